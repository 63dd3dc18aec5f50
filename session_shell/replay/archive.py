"""One file that holds a session: a ZIP archive with a list of what is in it.

::

    manifest.json        format, session, and size and SHA-256 of each member
    journal.jsonl        the journal; configuration and scripts are in it
    pictures/NAME        what elog_plot has put into the logbook
    data/PATH            scan files, when they were asked for

An archive may come from anywhere. Nothing of it is believed: names, kinds, sizes and checksums
are checked against what really comes out, and nothing is run by unpacking it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from session_shell import __version__
from session_shell.errors import JournalError
from session_shell.replay.names import below, checked_name, checked_names

FORMAT = 1
"""Raised when older readers would misunderstand an archive."""
MANIFEST = "manifest.json"
JOURNAL = "journal.jsonl"
PICTURES = "pictures"
DATA = "data"

_CHUNK = 2**20
MEMBERS = 50_000
"""Most members of an archive."""
_MANIFEST_BYTES = 16 * 2**20
_DIRECTORY_BYTES = 32 * 2**20
"""Most bytes of the list at the end of a ZIP file, which is read as a whole."""
TOTAL_BYTES = 2**40
"""Most bytes of all members together."""
_COMPRESSED = 16 * 2**20
"""Larger members are stored as they are, so an honest archive never grows much by unpacking."""
_RATIO = 200
"""Most bytes that may come out of one that went in, for members above `_COMPRESSED`."""
_TOGETHER = 64 * 2**20
"""Bytes that may come out of any archive, ..."""
_GROWTH = 20
"""... and how many more for each that went in; members that would break this are not packed."""
_SPARE = 256 * 2**20
"""Bytes that must be left on the disk."""


class Member(msgspec.Struct, frozen=True):
    """One file of the archive."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says of itself."""

    format: int
    id: str
    session: str
    program: str
    members: dict[str, Member]


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive that was written."""

    path: Path
    members: int
    size: int
    missing: tuple[str, ...]
    """Scan files that the journal names and that are not there any more."""


def pack(
    target: Path,
    *,
    journal: Path,
    session: str,
    identity: str,
    data: Path | None = None,
    files: tuple[str, ...] = (),
) -> Packed:
    """Write an archive of a session; nothing is left behind when that fails.

    Args:
        target: The file to write; it must not exist.
        journal: The journal; its pictures lie in a folder of its name beside it.
        session: Name of the session.
        identity: Id of the run.
        data: Data directory, when scan files go along.
        files: Scan files relative to it.

    Raises:
        JournalError: When `target` exists or cannot be written.
    """
    missing: list[str] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stream = target.open("xb")
    except FileExistsError as error:
        raise JournalError(f"{target}: exists already; give another name") from error
    except OSError as error:
        raise JournalError(f"{target}: cannot be written: {error.strerror or error}") from error
    try:
        with stream, zipfile.ZipFile(stream, "w") as archive:
            members = {JOURNAL: _add_journal(archive, journal)}
            total = members[JOURNAL].size
            for source, name in _sources(journal, data, files, missing):
                members[name] = _add(archive, source, name, total)
                total += members[name].size
            told = Manifest(
                format=FORMAT,
                id=identity,
                session=session,
                program=f"session-shell {__version__}",
                members=members,
            )
            text = msgspec.json.format(msgspec.json.encode(told), indent=1)
            archive.writestr(_info(MANIFEST, len(text)), text)
    except BaseException as error:
        with suppress(OSError):
            target.unlink()
        if isinstance(error, OSError):
            where = error.filename or target
            raise JournalError(f"{where}: cannot be packed: {error.strerror or error}") from error
        raise
    return Packed(target, len(members), target.stat().st_size, tuple(missing))


def _sources(
    journal: Path, data: Path | None, files: tuple[str, ...], missing: list[str]
) -> Iterator[tuple[Path, str]]:
    for picture in sorted(journal.with_suffix("").glob("*")):
        if picture.is_file() and not picture.is_symlink():
            yield picture, f"{PICTURES}/{picture.name}"
    for file in files:
        if data is None:
            continue
        source = below(data, file, str(journal))
        if source.is_file():
            yield source, f"{DATA}/{file}"
        else:
            missing.append(file)


def _add_journal(archive: zipfile.ZipFile, journal: Path) -> Member:
    """Add what is complete of a journal, which may be growing."""
    with journal.open("rb") as source:
        end = source.seek(0, os.SEEK_END)
        last = b""
        # A line that is being written has no end yet.
        while end and last != b"\n":
            end -= 1
            source.seek(end)
            last = source.read(1)
        end = end + 1 if last == b"\n" else source.seek(0, os.SEEK_END)
        source.seek(0)
        return _copy_in(archive, source, JOURNAL, end)


def _add(archive: zipfile.ZipFile, path: Path, name: str, total: int) -> Member:
    with path.open("rb") as source:
        size = path.stat().st_size
        packed = total + size <= _most_from(archive.start_dir)
        return _copy_in(archive, source, name, size, packed=packed)


def _copy_in(
    archive: zipfile.ZipFile, source: IO[bytes], name: str, size: int, *, packed: bool = True
) -> Member:
    checksum = hashlib.sha256()
    left = size
    info = _info(name, size, packed=packed)
    with archive.open(info, "w", force_zip64=size > 2**30) as stream:
        while left and (chunk := source.read(min(_CHUNK, left))):
            checksum.update(chunk)
            stream.write(chunk)
            left -= len(chunk)
    return Member(size - left, checksum.hexdigest())


def _most_from(packed: int) -> int:
    """Return how many bytes may come out of an archive of `packed` bytes."""
    return _TOGETHER + _GROWTH * packed


def _info(name: str, size: int, *, packed: bool = True) -> zipfile.ZipInfo:
    # The time of packing says nothing about the session: one session gives one archive.
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    packed = packed and size <= _COMPRESSED
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    return info


# Reading


def is_archive(path: Path) -> bool:
    """Tell whether a file begins as a ZIP archive does."""
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def read_manifest(path: Path) -> Manifest:
    """Return what an archive says of itself, after checking all its names.

    Raises:
        JournalError: When it is none, or is refused.
    """
    with _opened(path) as archive:
        return _manifest(archive, path)


def unpack(path: Path, folder: Path) -> Manifest:
    """Unpack an archive into a folder that this makes; a failure leaves no folder.

    Raises:
        JournalError: When it is refused or damaged.
    """
    with _opened(path) as archive:
        manifest = _manifest(archive, path)
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise JournalError(f"{folder}: cannot be made: {error.strerror or error}") from error
        try:
            _check_room(manifest, folder, path)
            for name, member in manifest.members.items():
                _take_out(archive, name, member, folder, path)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return manifest


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        _check_directory(path)
        return zipfile.ZipFile(path)
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError) as error:
        raise JournalError(f"{path}: is no archive of a session, or damaged: {error}") from error


def _check_directory(path: Path) -> None:
    """Refuse a list of members that is too long to be loaded, before it is."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - 65_557, 0))
        tail = stream.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise zipfile.BadZipFile("it has no end, so it was cut off")
    count, _, length = struct.unpack("<HHI", tail[at + 8 : at + 16])
    if count > MEMBERS or length > _DIRECTORY_BYTES:
        raise JournalError(f"{path}: more than {MEMBERS} members are refused")


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    members = _checked_members(archive, path)
    if MANIFEST not in members:
        raise JournalError(f"{path}: is no archive of a session: it has no {MANIFEST}")
    text = b"".join(_stream(archive, MANIFEST, _MANIFEST_BYTES, path))
    try:
        head = msgspec.json.decode(text, type=dict[str, object])
        number = head.get("format")
        if isinstance(number, int) and number > FORMAT:
            raise JournalError(
                f"{path}: the archive has format {number}, written by a later session-shell; "
                f"this one reads up to format {FORMAT}: update session-shell"
            )
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise JournalError(f"{path}: {MANIFEST} cannot be used: {error}") from error
    _compare(manifest, members, path)
    return manifest


def _checked_members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    if len(infos) > MEMBERS:
        raise JournalError(f"{path}: more than {MEMBERS} members are refused")
    files = []
    for info in infos:
        if info.is_dir():
            checked_name(info.orig_filename.rstrip("/"), str(path))
            continue
        # zipfile ends names at a NUL: the original one is what is checked.
        checked_name(info.orig_filename, str(path))
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise JournalError(f"{path}: {info.filename!r} is a link or a device; it is refused")
        if info.flag_bits & 0x1:
            raise JournalError(f"{path}: {info.filename!r} is encrypted; it is refused")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise JournalError(f"{path}: {info.filename!r} is packed in an unknown way")
        files.append(info)
    checked_names([info.filename for info in files], str(path))
    return {info.filename: info for info in files}


def _compare(manifest: Manifest, members: dict[str, zipfile.ZipInfo], path: Path) -> None:
    listed = set(manifest.members)
    present = set(members) - {MANIFEST}
    if JOURNAL not in listed:
        raise JournalError(f"{path}: is no archive of a session: it has no {JOURNAL}")
    if listed != present:
        odd = sorted(listed ^ present)[0]
        where = "is missing" if odd in listed else f"is not listed in {MANIFEST}"
        raise JournalError(f"{path}: {odd!r} {where}; the archive was changed or cut off")
    for name in listed:
        if name != JOURNAL and not name.startswith((f"{PICTURES}/", f"{DATA}/")):
            raise JournalError(f"{path}: {name!r} belongs to no archive of a session")
    if any(member.size < 0 for member in manifest.members.values()):
        raise JournalError(f"{path}: {MANIFEST} tells a negative size")
    total = sum(member.size for member in manifest.members.values())
    if total > TOTAL_BYTES:
        raise JournalError(f"{path}: more than {TOTAL_BYTES // 2**30} GB are refused")
    packed = sum(info.compress_size for info in members.values())
    if total > _most_from(packed):
        raise JournalError(
            f"{path}: {packed >> 20} MB would become {total >> 20} MB by unpacking; it is refused"
        )
    for name, member in manifest.members.items():
        if member.size > max(_COMPRESSED, _RATIO * members[name].compress_size):
            raise JournalError(
                f"{path}: {name!r} would grow more than {_RATIO} times by unpacking; it is refused"
            )


def _check_room(manifest: Manifest, folder: Path, path: Path) -> None:
    wanted = sum(member.size for member in manifest.members.values())
    free = shutil.disk_usage(folder).free
    if wanted + _SPARE > free:
        raise JournalError(
            f"{path}: needs {wanted / 2**20:.0f} MB, and {folder} has {free / 2**20:.0f} MB free"
        )


def _take_out(
    archive: zipfile.ZipFile, name: str, member: Member, folder: Path, path: Path
) -> None:
    target = below(folder, name, str(path))
    checksum = hashlib.sha256()
    size = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            for chunk in _stream(archive, name, member.size, path):
                checksum.update(chunk)
                stream.write(chunk)
                size += len(chunk)
    except OSError as error:
        raise JournalError(f"{target}: cannot be written: {error.strerror or error}") from error
    if size != member.size or checksum.hexdigest() != member.sha256:
        raise JournalError(
            f"{path}: {name!r} was changed after the archive was made (its SHA-256 differs)"
        )


def _stream(archive: zipfile.ZipFile, name: str, limit: int, path: Path) -> Iterator[bytes]:
    """Yield what really comes out of a member, up to `limit` bytes."""
    total = 0
    try:
        with archive.open(name) as stream:
            while chunk := stream.read(_CHUNK):
                total += len(chunk)
                if total > limit:
                    raise JournalError(
                        f"{path}: {name!r} holds more than the {limit} bytes that it may; "
                        "it is refused"
                    )
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        raise JournalError(f"{path}: {name!r} is damaged: {error}") from error
