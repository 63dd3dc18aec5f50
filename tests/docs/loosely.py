"""Compare output with what a page shows of it: numbers and spaces may differ."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[-+]?\d+(?:[.:,/-]\d+)*(?:e[-+]?\d+)?")
_OUT = re.compile(r"^\s*Out ?\[\d+\]: ?")
_ELLIPSIS = "\0"
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def _normal(text: str) -> list[str]:
    lines = []
    for line in _STYLE.sub("", text).splitlines():
        plain = _NUMBER.sub("#", _OUT.sub("", line).replace("...", _ELLIPSIS))
        if plain := " ".join(plain.split()):
            lines.append(plain)
    return lines


def difference(shown: str, got: str) -> str:
    """Return '' when `got` looks as `shown` does, else what is wrong.

    A line ``...`` in `shown` stands for any lines, ``...`` within a line for any text; numbers and
    runs of spaces are equal to each other.

    >>> difference("took 0.1 s\\n...\\nend", "took 0.23 s\\nthis\\nand that\\nend")
    ''
    """
    pieces = []
    for line in _normal(shown):
        if line == _ELLIPSIS:
            pieces.append(r"(?:.*\n)*?")
        else:
            pieces.append(re.escape(line).replace(re.escape(_ELLIPSIS), ".*?") + r"\n")
    text = "".join(f"{line}\n" for line in _normal(got))
    if re.fullmatch("".join(pieces), text):
        return ""
    return f"the page shows\n{shown}\n\nbut the output is\n{got}"
