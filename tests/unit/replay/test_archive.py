from __future__ import annotations

import hashlib
import json
import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from session_shell.errors import JournalError
from session_shell.replay import archive
from session_shell.replay.archive import pack, read_manifest, unpack
from tests.unit.replay.conftest import Recorded, run_here

LINE = b'{"record":"open"}\n'


def member(content: bytes) -> dict[str, Any]:
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write(
    path: Path,
    members: dict[str, bytes],
    *,
    manifest: dict[str, Any] | bytes | None = None,
    extra: list[tuple[zipfile.ZipInfo, bytes]] | None = None,
) -> Path:
    """Write an archive by hand, as somebody with bad intentions would."""
    listed: Any = {
        "format": 1,
        "id": "demo-20261122-183721-4f2a",
        "session": "demo",
        "program": "session-shell 0",
        "members": {name: member(content) for name, content in members.items()},
    }
    if isinstance(manifest, dict):
        listed |= manifest
    text = manifest if isinstance(manifest, bytes) else json.dumps(listed).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("manifest.json", text)
        for name, content in members.items():
            out.writestr(name, content)
        for info, content in extra or []:
            out.writestr(info, content)
    return path


def refused(path: Path, folder: Path) -> str:
    """Return why an archive is refused; nothing of it may remain."""
    with pytest.raises(JournalError) as error:
        unpack(path, folder / "out")
    assert not (folder / "out").exists()
    assert not [p for p in folder.rglob("*") if "evil" in p.name]
    return str(error.value)


def test_what_is_packed_comes_out_again(hour: Recorded, tmp_path: Path) -> None:
    (hour.journal.with_suffix("")).mkdir()
    (hour.journal.with_suffix("") / "plot_1.png").write_bytes(b"PNG")
    packed = pack(
        tmp_path / "a.ssa",
        journal=hour.journal,
        session="demo",
        identity=hour.journal.stem,
        data=hour.data,
        files=("demo/scan_0001.h5", "demo/scan_0099.h5"),
    )
    assert packed.missing == ("demo/scan_0099.h5",)
    manifest = unpack(tmp_path / "a.ssa", tmp_path / "out")
    assert sorted(manifest.members) == [
        "data/demo/scan_0001.h5",
        "journal.jsonl",
        "pictures/plot_1.png",
    ]
    assert (tmp_path / "out" / "journal.jsonl").read_bytes() == hour.journal.read_bytes()
    assert (tmp_path / "out" / "data/demo/scan_0001.h5").read_bytes() == hour.file(1).read_bytes()
    assert (tmp_path / "out" / "pictures/plot_1.png").read_bytes() == b"PNG"


def test_the_same_session_gives_the_same_archive(hour: Recorded, tmp_path: Path) -> None:
    for name in ("a.ssa", "b.ssa"):
        pack(tmp_path / name, journal=hour.journal, session="demo", identity="x")
    assert (tmp_path / "a.ssa").read_bytes() == (tmp_path / "b.ssa").read_bytes()


def test_a_journal_that_grows_is_packed_up_to_its_last_whole_line(
    hour: Recorded, tmp_path: Path
) -> None:
    whole = hour.journal.read_bytes()
    hour.journal.write_bytes(whole + b'{"record":"comm')
    pack(tmp_path / "a.ssa", journal=hour.journal, session="demo", identity="x")
    unpack(tmp_path / "a.ssa", tmp_path / "out")
    assert (tmp_path / "out" / "journal.jsonl").read_bytes() == whole


def test_nothing_is_overwritten_and_nothing_is_left_behind(hour: Recorded, tmp_path: Path) -> None:
    target = tmp_path / "a.ssa"
    target.write_text("precious")
    with pytest.raises(JournalError, match="exists already"):
        pack(target, journal=hour.journal, session="demo", identity="x")
    assert target.read_text() == "precious"
    with pytest.raises(JournalError, match="cannot be packed: No such file"):
        pack(tmp_path / "b.ssa", journal=tmp_path / "nowhere", session="demo", identity="x")
    assert not (tmp_path / "b.ssa").exists()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../evil", "leaves the folder"),
        ("data/../../evil", "leaves the folder"),
        ("data/./evil", "leaves the folder"),
        ("data//evil", "leaves the folder"),
        ("/tmp/evil", "absolute path"),
        ("C:/evil", "another system"),
        ("C:evil", "another system"),
        ("data\\..\\evil", "another system"),
        ("data/evil\x1b[31m", "control character"),
        ("data/con", "device"),
        ("data/NUL.h5", "device"),
        ("data/" + "x" * 1000, "longer than"),
        ("evil.py", "belongs to no archive"),
    ],
)
def test_hostile_names_are_refused(tmp_path: Path, name: str, why: str) -> None:
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE, name: b"x"})
    assert why in refused(path, tmp_path)


def test_a_name_with_a_nul_byte_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE, "data/evil_txt": b"x"})
    path.write_bytes(path.read_bytes().replace(b"data/evil_txt", b"data/evil\0txt"))
    assert "control character" in refused(path, tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO])
def test_links_and_devices_are_refused(tmp_path: Path, kind: int) -> None:
    info = zipfile.ZipInfo("data/evil")
    info.external_attr = (kind | 0o777) << 16
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE}, extra=[(info, b"/etc/passwd")])
    assert "a link or a device" in refused(path, tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["data/a", "data/A", "data/a/b"])
def test_names_that_are_one_file_are_refused(tmp_path: Path, second: str) -> None:
    extra = [(zipfile.ZipInfo("data/a"), b"1"), (zipfile.ZipInfo(second), b"2")]
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE}, extra=extra)
    assert "data/a" in refused(path, tmp_path)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = bytes(64 * 2**20)
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE, "data/evil.h5": bomb})
    assert path.stat().st_size < 100_000
    assert "would grow more than 200 times" in refused(path, tmp_path)


def test_a_bomb_that_lies_about_its_size_is_stopped_while_it_is_unpacked(tmp_path: Path) -> None:
    told = {"journal.jsonl": member(LINE), "data/evil.h5": {"size": 10, "sha256": "0" * 64}}
    path = write(
        tmp_path / "a.ssa",
        {"journal.jsonl": LINE, "data/evil.h5": bytes(2**24)},
        manifest={"members": told},
    )
    assert "holds more than the 10 bytes" in refused(path, tmp_path)


def test_sizes_beyond_all_bounds_are_refused(tmp_path: Path) -> None:
    huge = {"size": 2**41, "sha256": "0" * 64}
    path = write(
        tmp_path / "a.ssa",
        {"journal.jsonl": LINE, "data/x": b"1"},
        manifest={"members": {"journal.jsonl": member(LINE), "data/x": huge}},
    )
    assert "GB are refused" in refused(path, tmp_path)
    negative = {"size": -1, "sha256": "0" * 64}
    path = write(
        tmp_path / "b.ssa",
        {"journal.jsonl": LINE, "data/x": b"1"},
        manifest={"members": {"journal.jsonl": member(LINE), "data/x": negative}},
    )
    assert "negative" in refused(path, tmp_path)


def test_a_disk_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_SPARE", 2**62)
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE})
    assert "MB free" in refused(path, tmp_path)


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MEMBERS", 20)
    members = {f"data/{n}": b"" for n in range(30)}
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE, **members})
    assert "more than 20 members" in refused(path, tmp_path)


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        (b"", "cannot be used"),
        (b"[]", "cannot be used"),
        (b"{" * 10_000, "cannot be used"),
        (b"\xff\xfe", "cannot be used"),
        ({"format": "one"}, "cannot be used: Expected `int`, got `str` - at `$.format`"),
        ({"members": []}, "cannot be used"),
        ({"members": {"journal.jsonl": {"size": "10", "sha256": ""}}}, "`$.members[...].size`"),
        ({"format": 99, "members": "who knows"}, "format 99, written by a later session-shell"),
        ({"members": {}}, "it has no journal.jsonl"),
        (
            {"members": {"journal.jsonl": member(LINE), "data/x": member(b"")}},
            "'data/x' is missing",
        ),
    ],
)
def test_manifests_that_cannot_be_understood_are_told(
    tmp_path: Path, manifest: Any, why: str
) -> None:
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE}, manifest=manifest)
    assert why in refused(path, tmp_path)


def test_a_member_that_is_not_listed_is_refused(tmp_path: Path) -> None:
    extra = [(zipfile.ZipInfo("data/evil"), b"1")]
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE}, extra=extra)
    assert "is not listed" in refused(path, tmp_path)


def test_an_altered_member_is_named(tmp_path: Path) -> None:
    told = {"journal.jsonl": member(LINE), "data/x": member(b"1234")}
    path = write(
        tmp_path / "a.ssa",
        {"journal.jsonl": LINE, "data/x": b"1235"},
        manifest={"members": told},
    )
    assert "'data/x' was changed after the archive was made" in refused(path, tmp_path)


def test_every_way_to_cut_or_damage_an_archive_is_told(hour: Recorded, tmp_path: Path) -> None:
    path = tmp_path / "a.ssa"
    pack(path, journal=hour.journal, session="demo", identity="x")
    content = path.read_bytes()
    for place in range(0, len(content), max(len(content) // 40, 1)):
        path.write_bytes(content[:place])
        with pytest.raises(JournalError):
            unpack(path, tmp_path / f"cut-{place}")
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            unpack(path, tmp_path / f"damaged-{place}")
        except JournalError:
            continue
        out = tmp_path / f"damaged-{place}" / "journal.jsonl"
        assert out.read_bytes() == hour.journal.read_bytes(), f"byte {place}"


def test_a_member_that_would_lie_before_the_file_is_damaged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ssa", {"journal.jsonl": LINE})
    content = bytearray(path.read_bytes())
    # The directory is found by its length from the end: a longer one moves all members down.
    content[content.rindex(b"PK\x05\x06") + 16] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"is damaged|is no archive"):
        unpack(path, tmp_path / "out")


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ssa"
    path.write_text("hello")
    assert "is no archive" in refused(path, tmp_path)
    assert "cannot be read: No such file" in refused(tmp_path / "b.ssa", tmp_path)
    path = write(tmp_path / "c.ssa", {"journal.jsonl": LINE})
    with zipfile.ZipFile(tmp_path / "d.ssa", "w") as out:
        out.writestr("hello", "world")
    assert "it has no manifest.json" in refused(tmp_path / "d.ssa", tmp_path)
    assert read_manifest(path).session == "demo"


# Through the program


def test_a_saved_session_replays_elsewhere(hour: Recorded, tmp_path: Path) -> None:
    target = tmp_path / "hour.ssa"
    saved = run_here("save", "last", str(target), "--with-data", "--data", str(hour.data))
    assert saved.code == 0, saved.stderr
    assert saved.stdout.startswith(f"{target}: 3 files")
    for root, folders, files in os.walk(hour.data.parent):
        # Nothing of the old place may be needed.
        del folders, files
        if root == str(hour.data):
            hour.data.rename(hour.data.with_name("gone"))
            break
    result = run_here("replay", str(target), "--data", str(tmp_path / "new"), "--json")
    assert result.code == 0, result.stderr
    assert result.report["agrees"]
    folder = Path(result.report["folder"])
    assert folder.parent == tmp_path / "new" / "replays"
    assert (folder / "recorded" / "data" / "demo" / "scan_0001.h5").exists()
    assert (folder / "data" / "demo" / "scan_0001.h5").exists()
    assert json.loads((folder / "report.json").read_text())["agrees"]


def test_an_archive_that_was_edited_is_not_replayed(hour: Recorded, tmp_path: Path) -> None:
    target = tmp_path / "hour.ssa"
    run_here("save", "last", str(target), "--data", str(hour.data))
    with zipfile.ZipFile(target) as archive_file:
        content = {name: archive_file.read(name) for name in archive_file.namelist()}
    content["journal.jsonl"] = content["journal.jsonl"].replace(b"umv", b"wmv", 1)
    with zipfile.ZipFile(target, "w") as archive_file:
        for name, text in content.items():
            archive_file.writestr(name, text)
    result = run_here("replay", str(target), "--data", str(tmp_path / "new"))
    assert result.code == 1
    assert "'journal.jsonl' was changed after the archive was made" in result.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["../evil.py", "/tmp/evil.py", "a/../../evil.py", "evil\0.py"])
def test_a_journal_with_hostile_paths_is_refused(hour: Recorded, tmp_path: Path, name: str) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "open":
            entry["files"][name] = "print('evil')"

    hour.edit(change)
    result = run_here("replay", "last", "--data", str(hour.data))
    assert result.code == 1
    assert "is refused" in result.stderr
    assert "evil.py" not in {p.name for p in tmp_path.rglob("*")}
    assert not (hour.data / "replays").exists() or not list((hour.data / "replays").iterdir())


def test_a_script_with_a_hostile_path_is_refused(hour: Recorded, tmp_path: Path) -> None:
    records = hour.journal.read_bytes().splitlines()
    config = json.loads(records[0])["config"]
    script = {
        "record": "file",
        "number": 1,
        "path": f"{config}/../../evil.py",
        "text": "print('evil')",
    }
    first = next(n for n, line in enumerate(records) if b'"record":"command"' in line)
    records.insert(first + 1, json.dumps(script).encode())
    hour.journal.write_bytes(b"\n".join(records) + b"\n")
    result = run_here("replay", "last", "--data", str(hour.data))
    assert result.code == 1
    assert "is refused: it leaves the folder" in result.stderr
    assert "Traceback" not in result.stderr
    assert not list(tmp_path.rglob("evil.py"))


def test_a_journal_with_a_hostile_id_or_scan_file_is_refused(hour: Recorded) -> None:
    def change(entry: dict[str, Any]) -> None:
        if entry["record"] == "open":
            entry["id"] = "../../evil"

    hour.edit(change)
    result = run_here("replay", "last", "--data", str(hour.data))
    assert result.code == 1
    assert "is refused" in result.stderr
    assert not (hour.data.parent / "evil-1").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\0" * 100, "this is no journal"),
        (b"[1, 2]\n", "Expected `object`, got `array`"),
        (b'{"record":"open","format":99}\n', "written by a later session-shell"),
        (b'{"record":"open","format":1,"id":5}\n', "Expected `str`, got `int` - at `$.id`"),
        (b'{"record":"done","number":1,"time":0,"seconds":0}\n', "begins with an 'open' record"),
    ],
)
def test_journals_that_cannot_be_used_are_told(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    for what in (path, write(tmp_path / "a.ssa", {"journal.jsonl": content})):
        result = run_here("replay", str(what), "--data", str(tmp_path / "data"))
        assert result.code == 1
        assert why in result.stderr
        assert "Traceback" not in result.stderr
        assert not (tmp_path / "data").exists()


def test_a_line_of_a_gigabyte_is_not_loaded(hour: Recorded) -> None:
    with hour.journal.open("ab") as file:
        file.write(b'{"record":"note","text":"')
        file.truncate(2**30)
    result = run_here("replay", "last", "--data", str(hour.data))
    assert result.code == 1
    assert "the line is longer than 64 MB" in result.stderr


def test_many_members_that_grow_together_are_refused(tmp_path: Path) -> None:
    part = bytes(15 * 2**20)
    members = {"journal.jsonl": LINE} | {f"data/evil{i}.h5": part for i in range(6)}
    path = write(tmp_path / "a.ssa", members)
    assert "0 MB would become 90 MB by unpacking; it is refused" in refused(path, tmp_path)


def test_an_archive_of_files_that_shrink_much_can_be_read(tmp_path: Path) -> None:
    journal = tmp_path / "demo.jsonl"
    journal.write_bytes(LINE)
    data = tmp_path / "data"
    data.mkdir()
    names = tuple(f"scan_{i:04d}.h5" for i in range(8))
    for name in names:
        (data / name).write_bytes(bytes(15 * 2**20))
    target = tmp_path / "a.ssa"
    pack(target, journal=journal, session="demo", identity="demo-1", data=data, files=names)
    unpack(target, tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out" / "data").iterdir()) == list(names)
    assert target.stat().st_size < 80 * 2**20  # 64 MB of nothing take no room
