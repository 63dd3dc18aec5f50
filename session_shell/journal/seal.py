"""A chain of fingerprints: each line of a journal carries one of itself and of all before it.

It shows that a line was edited, or that lines were taken out. It is no signature: who can write
the file can make a new chain.
"""

from __future__ import annotations

import hashlib
import re

_LENGTH = 16
_END = rb',"check":"([0-9a-f]{%d})"\}\Z' % _LENGTH


def sealed(line: bytes, before: bytes) -> tuple[bytes, bytes]:
    """Return a line of JSON with its fingerprint in it, and the fingerprint.

    Args:
        line: An object, as ``{...}``.
        before: Fingerprint of the line before, empty for the first one.
    """
    check = _check(line, before)
    return line[:-1] + b',"check":"' + check + b'"}', check


class Chain:
    """Checks the lines of a journal, one after another."""

    def __init__(self) -> None:
        self._before = b""

    def holds(self, line: bytes) -> bool:
        """Tell whether a line is as it was written, and follows the one before."""
        line = line.rstrip()
        match = re.search(_END, line)
        if match is None:
            # An edited line of JSON, a torn one, or a journal that has no fingerprints at all.
            return not self._before or not line.endswith(b"}")
        before, self._before = self._before, match[1]
        return _check(line[: match.start()] + b"}", before) == match[1]


def _check(line: bytes, before: bytes) -> bytes:
    return hashlib.sha256(before + line).hexdigest()[:_LENGTH].encode()
