"""The file of one scan, written so that nothing is lost and it opens at any instant.

reserve      exclusive creation of the hidden part file decides the number
start        the whole tree is made in memory, written, and only then gets its name
rows         point by point when slow, in blocks of 0.2 s when fast
end          on a copy that replaces the file, or through an overlay when it is large
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from session_shell.errors import SinkError
from session_shell.nexus.disk.files import (
    Ballast,
    FileName,
    allocate,
    is_full,
    part_path,
    sink_error,
    write_whole,
)
from session_shell.nexus.disk.superblock import announce_end, keep_length
from session_shell.nexus.folder.numbers import reserve_number
from session_shell.nexus.layout.entry import build, entry_name
from session_shell.nexus.tree.nodes import Group
from session_shell.nexus.writing.columns import Columns
from session_shell.nexus.writing.ending import OVERWRITTEN, Edit, finish
from session_shell.nexus.writing.template import FileTemplate
from session_shell.scanning.documents import Rows, ScanEnded, ScanStarted

if TYPE_CHECKING:
    from session_shell.nexus.writing.streams import Streams

_log = logging.getLogger("session_shell.nexus")

_SPARE = 64 * 1024
"""Bytes of HDF5's own that may come with a write."""


class ScanFile:
    """The sink that saves one scan.

    Made by `reserve`, before the scan begins, so that a scan that cannot be saved does not start.
    Every method raises `SinkError` when the disk refuses, with what to do about it.
    """

    must_not_fail: ClassVar[bool] = True

    def __init__(self, number: int, path: Path, template: FileTemplate | None = None) -> None:
        self.number = number
        """Scan number, unique in its folder."""
        self.path = path
        """Where the file is once the scan has started."""
        self._part: Path | None = part_path(path)
        self._template = template or FileTemplate()
        self._ballast = Ballast(path)
        self._start: ScanStarted | None = None
        self._tree = Group()
        self._warned: set[str] = set()
        self._image: Any = None
        self._columns: Columns | None = None
        self._streams: Streams | None = None
        self._fd = -1
        self._identity: os.stat_result | None = None
        """Which file it is, whatever is called by its name later."""
        self._was_opened = False
        self._told_gone = False

    @classmethod
    def reserve(
        cls,
        folder: Path,
        filename: FileName,
        number: int,
        template: FileTemplate | None = None,
    ) -> ScanFile:
        """Take the first free number from `number` on; the folder is made when it is not there.

        Args:
            folder: Where scans are saved.
            filename: Gives the file name of a number, for example ``scan_0003.h5``.
            number: The number to try first.
            template: Kept by the session, it makes the files of like scans quicker to begin.

        Raises:
            SinkError: When nothing can be saved there (permission, read-only, path, space).

        Example:
            ``ScanFile.reserve(Path("data/demo"), lambda n: f"scan_{n:04d}.h5", 1)``
        """
        folder = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they are
        file = cls(*reserve_number(folder, filename, number), template)
        try:
            file._ballast.open()
        except OSError as error:
            file.discard()
            raise sink_error("the scan cannot be saved", file.path, error) from error
        return file

    @property
    def points_written(self) -> int:
        """Points that are on disk by now; those that still wait are younger than 0.2 s."""
        return self._columns.written if self._columns is not None else 0

    def discard(self) -> None:
        """Give an unused reservation back; a scan that has started is not touched."""
        part, self._part = self._part, None
        if part is not None:
            with contextlib.suppress(OSError):
                part.unlink()
            self._ballast.close()

    # ---------------------------------------------------------------- start

    def scan_started(self, doc: ScanStarted) -> None:
        """Write the tree with all START metadata; the file has its name when this returns."""
        doc = replace(doc, number=self.number, file=self.path)
        part = self._part or part_path(self.path)
        try:
            self._image = self._new_image(doc)
            self._columns = Columns(self._tree)
            content = _hdf5().image_bytes(self._image)
            self._check_space(doc, len(content))
            self._ballast.fill(self._columns.growth + len(content) + _SPARE)
            write_whole(part, content, sync=False)
            self._identity = os.lstat(part)
            os.rename(part, self.path)  # noqa: PTH104
        except (OSError, RuntimeError) as error:
            self._drop_image()
            self.discard()
            raise sink_error("the scan cannot be saved", self.path, error) from error
        self._part = None
        self._start = doc

    def _new_image(self, doc: ScanStarted) -> Any:
        """Return the file in memory; metadata that HDF5 refuses after all is left out."""
        try:
            self._tree = self._build(doc)
            return self._template.image(self._tree, entry_name(self.number))
        except Exception as error:  # noqa: BLE001 - metadata must never lose a scan
            note = f"all metadata is left out, since HDF5 refuses it: {error}"
            self._tree = self._build(replace(doc, metadata={}, parameters={}), notes=[note])
            return _hdf5().new_image(self._tree)

    def _build(
        self, doc: ScanStarted, ended: ScanEnded | None = None, notes: list[str] | None = None
    ) -> Group:
        tree, warnings = build(doc, ended, notes or [], _hdf5().library_versions())
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                _log.warning("scan %d: metadata %s", self.number, warning)
        return tree

    def _check_space(self, doc: ScanStarted, size: int) -> None:
        """Raise OSError when the points that are asked for do not fit on the disk."""
        columns = self._columns
        if columns is None or any(stream.compressed for _, stream in columns.streams):
            return  # nobody knows how far images shrink
        need = doc.npoints * columns.row_bytes + 2 * size
        free = shutil.disk_usage(self.path.parent).free
        if need > free:
            raise OSError(28, f"{need >> 20} MB are needed, {free >> 20} MB are free")

    # ----------------------------------------------------------------- rows

    def rows(self, doc: Rows) -> None:
        """Take points; they are on disk at once when they come slowly, else within 0.2 s."""
        columns = self._columns
        if columns is None:
            raise sink_error("the scan has not started", self.path, ValueError("rows came first"))
        if columns.add(doc):
            self._write_waiting()

    def _write_waiting(self) -> None:
        try:
            self._write_block()
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            released = is_full(error) and self._ballast.release()
            if released:
                self._write_again()
            note = "all points so far are in the file; " if released else ""
            raise sink_error("a point could not be written", self.path, error, note) from error

    def _write_again(self) -> None:
        try:
            self._write_block()
        except (OSError, RuntimeError) as error:
            raise sink_error("points could not be written", self.path, error) from error

    def _write_block(self) -> None:
        columns = self._columns
        if columns is None or not columns.waiting:
            return
        if self._streams is None and not self._is_in_place():
            self._look_for_it()
            return  # all of it is in memory, and waits there for the end
        streams = self._open_streams(columns)
        # Room is taken before HDF5 needs it: it cannot go on after a full disk, and a file that
        # is longer than HDF5 says is readable at any instant, a shorter one is not.
        need = columns.next_growth()
        if need:
            end = streams.file.get_filesize()
            allocate(self._fd, end, need + _SPARE)
            announce_end(self._fd, end + need + _SPARE)
        streams.write(columns.written, columns.block())
        streams.flush()
        columns.done()
        self._look_for_it()

    def _look_for_it(self) -> None:
        """Say once when the file has lost its name: its points are kept until the end."""
        if not self._told_gone and not self._is_in_place():
            self._told_gone = True
            _log.warning(
                "%s was removed, moved or replaced while the scan runs; the points are kept and "
                "saved under a name at its end",
                self.path.name,
            )

    def _is_in_place(self) -> bool:
        then = self._identity
        if then is None:
            return True
        try:
            now = os.lstat(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True  # nobody can say, for now
        # The number of a file that nobody holds open is given to the next one.
        is_same = self._was_opened or (now.st_size, now.st_mtime_ns) == (
            then.st_size,
            then.st_mtime_ns,
        )
        return is_same and os.path.samestat(now, then)

    def _open_streams(self, columns: Columns) -> Streams:
        if self._streams is None:
            from session_shell.nexus.writing.streams import Streams

            self._drop_image()
            self._fd = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW)
            self._was_opened = True
            self._streams = Streams(_hdf5().open_file(os.fspath(self.path)), columns)
        return self._streams

    # ------------------------------------------------------------------ end

    def scan_ended(self, doc: ScanEnded) -> None:
        """Write END metadata and close; the file is complete, or as it was before."""
        if self._start is None or self._columns is None:
            self.discard()
            return
        try:
            self._finish(doc, self._start, self._columns)
        except (OSError, RuntimeError, KeyError) as error:
            note = self._where_points_are(self._columns)
            raise sink_error("the scan could not be finished", self.path, error, note) from error
        finally:
            self._close_whatever_happens()
            self._ballast.close()
            self._start = None

    def _finish(self, doc: ScanEnded, start: ScanStarted, columns: Columns) -> None:
        missing = 0
        if self._streams is not None:
            missing = self._write_last_block(columns)
        # The file says how many points are in it, also when some could not be written.
        ended = replace(doc, npoints=columns.written + columns.waiting)
        tree = self._end_tree(start, ended)
        edit = Edit(self._tree, tree, columns, entry_name(self.number), start.uid)
        if not self._is_in_place():
            self._save_elsewhere(edit)
        else:
            self._save_end(edit)
        if missing:
            what, why = f"the last {missing} points could not be written", OSError(errno.ENOSPC, "")
            raise sink_error(what, self.path, why, "the file is finished without them; ")

    def _save_end(self, edit: Edit) -> None:
        """Finish the file; when that fails points that are only in memory are appended to it."""
        image, self._image = self._image, None
        self._close()
        try:
            finish(self.path, edit, self._ballast, image)
        except (OSError, RuntimeError) as error:
            if OVERWRITTEN in str(error):
                raise
            self._write_block()
            self._close()
            finish(self.path, edit, self._ballast)  # the cause may be gone

    def _save_elsewhere(self, edit: Edit) -> None:
        """Save the whole scan under its name if that is free, else beside it.

        Raises:
            OSError: Always, with the name, when it is not the one that the scan has.
        """
        from session_shell.nexus.writing.elsewhere import save_beside

        if self._streams is not None:
            self._streams.flush()
        content = _hdf5().image_bytes(self._image) if self._image else _content(self._fd)
        image = _hdf5().open_image(content)
        try:
            edit.apply(image)
            content = _hdf5().image_bytes(image)
        finally:
            image.close()
        saved = save_beside(self.path, content)
        if saved != self.path:
            total = edit.columns.written + edit.columns.waiting
            raise SinkError(
                f"{self.path}: another file has taken its place while the scan ran; it is left "
                f"alone, and the scan is saved whole, {total} of {total} points are in "
                f"{saved.name}",
                sink="file",
            )

    def _where_points_are(self, columns: Columns) -> str:
        total = columns.written + columns.waiting
        linked = self._fd >= 0 and os.fstat(self._fd).st_nlink > 0
        self._close_whatever_happens()
        if self._is_in_place():
            rows = self._rows_on_disk(columns)
            return f"{rows} of {total} points are in the file, its end is not; "
        if linked:
            return f"{columns.written} of {total} points are in the file, which was moved; "
        return f"0 of {total} points are on the disk, since the file was removed; "

    def _rows_on_disk(self, columns: Columns) -> int:
        """Return how many points can be read from the file, 0 when none can."""
        import h5py

        try:
            with h5py.File(self.path, "r", locking=False) as file:
                rows = [len(file[path]) for path, _ in columns.streams]
                # Before the first point every column holds one row of nothing.
                first = file[columns.streams[0][0]][:1] if rows else [math.nan]
        except (OSError, RuntimeError, KeyError):
            return 0
        count = min(rows, default=0)
        return 0 if count == 1 and not math.isfinite(first[0]) else count

    def _write_last_block(self, columns: Columns) -> int:
        """Write what waits; return how many points did not fit: they must not cost the end."""
        try:
            self._write_block()
        except OSError as error:
            if not is_full(error):
                raise
            self._ballast.release()
            try:
                self._write_block()
            except OSError as again:
                if not is_full(again):
                    raise
                return columns.drop()
        return 0

    def _end_tree(self, start: ScanStarted, ended: ScanEnded) -> Group:
        try:
            return self._build(start, ended)
        except Exception as error:  # noqa: BLE001 - metadata must never lose the end of a scan
            notes = [f"END metadata is left out, since it cannot be stored: {error}"]
            return self._build(start, replace(ended, metadata=start.metadata), notes)

    def _close(self) -> None:
        streams, self._streams = self._streams, None
        fd, self._fd = self._fd, -1
        try:
            if streams is not None:
                streams.close()
        finally:
            if fd >= 0:
                with contextlib.suppress(OSError):
                    keep_length(fd)
                os.close(fd)
            self._drop_image()

    def _close_whatever_happens(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self._close()

    def _drop_image(self) -> None:
        image, self._image = self._image, None
        if image is not None:
            image.close()


def _content(fd: int) -> bytes:
    with os.fdopen(os.dup(fd), "rb") as stream:
        stream.seek(0)
        return stream.read()


def _hdf5() -> Any:
    """Return the part that needs h5py, loaded with the first scan that is saved."""
    from session_shell.nexus.disk import hdf5

    return hdf5
