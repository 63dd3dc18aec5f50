"""Edit a file in place so that a kill at any instant leaves it readable.

HDF5 works on an overlay in memory; nothing is written before the edit is complete. Then what is
new goes behind the end of the file, where nothing refers to it yet, and only after that a handful
of pages are written over, the first page (with the length of the file) before all others. Between
these the file opens and all points are there; a text that is replaced may be unreadable. So these
pages are kept in a file beside it before (`redo`), and whoever comes next finishes the edit.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

from session_shell.nexus.disk.direct import write_over
from session_shell.nexus.disk.files import allocate, write_all
from session_shell.nexus.disk.redo import kept
from session_shell.nexus.disk.superblock import end_of_content

_PAGE = 4096


class Overlay(io.RawIOBase):
    """A file whose changes stay in memory until `commit`."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self._old_size = self._size = _end_of_content(fd)
        self._pages: dict[int, bytearray] = {}
        self._at = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def seekable(self) -> bool:
        """Tell that it has a position."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def truncate(self, size: int | None = None) -> int:
        """Set the length."""
        self._size = self._at if size is None else size
        return self._size

    def readinto(self, buffer: object) -> int:
        """Fill `buffer` from the position on, with zeros behind the end."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        for number, start, end, where in self._spans(len(view)):
            page = self._pages.get(number)
            data = self._base(number) if page is None else page
            view[where : where + end - start] = data[start:end]
        self._at += len(view)
        return len(view)

    def write(self, data: object) -> int:
        """Keep `data` for the position on."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        for number, start, end, where in self._spans(len(view)):
            page = self._pages.get(number)
            if page is None:
                page = self._pages[number] = self._base(number)
            page[start:end] = view[where : where + end - start]
        self._at += len(view)
        self._size = max(self._size, self._at)
        return len(view)

    def pieces(self) -> tuple[list[tuple[int, bytes]], list[tuple[int, bytes]]]:
        """Return what is to be written behind the old end, and what over the old content."""
        behind, over = [], []
        for number in sorted(self._pages):
            page, start = bytes(self._pages[number]), number * _PAGE
            end = min(start + _PAGE, self._size)
            if end > start and start < self._old_size:
                old = bytes(self._base(number))
                cut = min(end, self._old_size) - start
                if page[:cut] != old[:cut]:
                    over.append((start, page[:cut]))
                if end > self._old_size:
                    behind.append((self._old_size, page[cut : end - start]))
            elif end > start:
                behind.append((start, page[: end - start]))
        return _joined(behind), _joined(over)

    def commit(self, path: Path) -> None:
        """Write the changes; OSError before anything is changed when there is no room.

        `path` is the name of the file; what is written over is kept beside it meanwhile.
        """
        behind, over = self.pieces()
        length = os.fstat(self._fd).st_size
        try:
            allocate(self._fd, self._old_size, self._size - self._old_size)
            for start, data in behind:
                write_all(self._fd, start, data)
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, length)
            raise
        try:
            with kept(path, self._fd, self._old_size, self._size, over):
                write_over(path, self._fd, over)
        except OSError:
            # A full disk or a folder that refuses a new file: better an edit that a kill could
            # cut off within a millisecond than none at all.
            write_over(path, self._fd, over)
            os.fsync(self._fd)

    def _spans(self, count: int) -> Iterator[tuple[int, int, int, int]]:
        done = 0
        while done < count:
            number, start = divmod(self._at + done, _PAGE)
            end = min(_PAGE, start + count - done)
            yield number, start, end, done
            done += end - start

    def _base(self, number: int) -> bytearray:
        data = os.pread(self._fd, _PAGE, number * _PAGE)
        return bytearray(data.ljust(_PAGE, b"\0"))


def _joined(pieces: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Join neighbours: what HDF5 wrote across two pages must not be cut by a kill."""
    joined: list[tuple[int, bytes]] = []
    for start, data in pieces:
        if joined and joined[-1][0] + len(joined[-1][1]) == start:
            before, head = joined.pop()
            start, data = before, head + data
        joined.append((start, data))
    return joined


def _end_of_content(fd: int) -> int:
    """Return the end that HDF5 knows: room that was taken ahead may follow it in the file."""
    size = os.fstat(fd).st_size
    end = end_of_content(os.pread(fd, 64, 0))
    return size if end is None else min(size, end)
