from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

import pytest

from session_shell.config import Builder, editing, load_configuration
from session_shell.errors import CommandError, ConfigError

TREE = """\
# Everything about the attenuator.

- class: mockup        # simulated
  axes:
    - {name: att1z,   unit: mm}   # odd   spaces stay
    - {name: att1y, unit: mm}

- class: MultiplePositions
  name: mp             # the wheel
  positions:           # top to bottom
    # nothing in the beam
    - label: out
      description: 'no foil'      # single quotes
      target:
        - {axis: $att1z, destination: 0, tolerance: 0.05}   # home
      scan_metadata: {"@NX_class": NXattenuator, status: out}

    - label: Al
      target:
        - axis: $att1z
          destination: 10        # measured in May
          tolerance: 0.05

    # the last one
    - label: 20
      target: [{axis: $att1z, destination: 20}]

  # a remark on what follows
  user_tag: A.B        # after it

# the end
- {class: Session, name: s}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "att.yml"
    path.write_text(TREE)
    return path


@pytest.fixture
def builder(file: Path) -> Builder:
    made = Builder(load_configuration(file.parent))
    assert made.build(["mp"])[1] == []
    return made


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that went and the lines that came."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    gone = [line[2:] for line in lines if line.startswith("- ")]
    return gone, [line[2:] for line in lines if line.startswith("+ ")]


def test_adding_writes_new_lines_only(builder: Builder, file: Path) -> None:
    mp, z = builder.devices["mp"], builder.find("att1z")
    mp.create_position("Cu", [(z, 30.5, 0.1), (builder.find("att1y"), -1)], "50 um of copper")
    gone, came = changed_lines(TREE, file.read_text())
    assert gone == []
    assert came == [
        "    - label: Cu",
        "      description: 50 um of copper",
        "      target:",
        "        - {axis: $att1z, destination: 30.5, tolerance: 0.1}",
        "        - {axis: $att1y, destination: -1, tolerance: 0.001}",
    ]
    again = Builder(load_configuration(file.parent)).find("mp")
    assert again.labels == mp.labels == ["out", "Al", "20", "Cu"]
    assert len(again.targets_dict["Cu"]) == 2
    assert len(list(file.parent.iterdir())) == 1, "no temporary file is left"


def test_changing_keeps_comments(builder: Builder, file: Path) -> None:
    mp, z = builder.devices["mp"], builder.find("att1z")
    mp.update_position("Al", (z, 11.25))
    assert changed_lines(TREE, file.read_text()) == (
        ["          destination: 10        # measured in May"],
        ["          destination: 11.25     # measured in May"],
    )
    z.move(1.5)
    mp.update_position("out")
    mp.update_position("20", description="thick")
    text = file.read_text()
    assert re.search(r"{axis: \$att1z, destination: 1.5, tolerance: 0.05} +# home\n", text)
    assert "description: thick" in text
    kept = re.findall(r"#.*", TREE)
    for comment in [*kept, "'no foil'"]:
        assert comment in text
    again = Builder(load_configuration(file.parent)).find("mp")
    assert again.targets_dict["out"][0].destination == 1.5
    assert again.targets_dict["20"][0].destination == 20


def test_removing(builder: Builder, file: Path) -> None:
    mp = builder.devices["mp"]
    mp.remove_position("Al")
    gone, came = changed_lines(TREE, file.read_text())
    assert came == []
    assert "    - label: Al" in gone
    assert not any("out" in line or "20" in line for line in gone)
    assert "# the last one" in file.read_text()
    assert Builder(load_configuration(file.parent)).find("mp").labels == ["out", "20"]


def test_another_axis_joins(builder: Builder, file: Path) -> None:
    mp = builder.devices["mp"]
    mp.update_position("Al", [(builder.find("att1y"), 3)])
    again = Builder(load_configuration(file.parent)).find("mp")
    targets = [(t.axis.name, t.destination) for t in again.targets_dict["Al"]]
    assert targets == [("att1z", 10.0), ("att1y", 3.0)]


def test_what_an_editor_saved_meanwhile_is_kept(builder: Builder, file: Path) -> None:
    mp, z = builder.devices["mp"], builder.find("att1z")
    file.write_text(TREE.replace("destination: 20}", "destination: 21}").replace("A.B", "C.D"))
    mp.create_position("Cu", (z, 30))
    text = file.read_text()
    assert "destination: 21}" in text
    assert "C.D" in text
    file.write_text(text.replace("label: Al", "label: Ag"))
    with pytest.raises(CommandError, match="'Al' is not in the file any more"):
        mp.update_position("Al", (z, 1))
    assert mp.targets_dict["Al"][0].destination == 10
    with pytest.raises(CommandError, match="'Ag' is in the file already"):
        mp.create_position("Ag", (z, 1))
    assert "Ag" not in mp.labels


def test_a_save_at_the_very_moment_is_not_lost(
    builder: Builder, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync, times = os.fsync, []

    def save_in_an_editor(handle: int) -> None:
        if not times:
            file.write_text(TREE.replace("A.B", "C.D"))
        times.append(1)
        fsync(handle)

    monkeypatch.setattr(os, "fsync", save_in_an_editor)
    builder.devices["mp"].remove_position("Al")
    assert "C.D" in file.read_text()
    assert "label: Al" not in file.read_text()
    assert len(times) == 2


def test_a_file_that_never_rests(
    builder: Builder, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing, "_replace", lambda *_: False)
    with pytest.raises(ConfigError, match="changes all the time; nothing was written"):
        builder.devices["mp"].remove_position("Al")
    assert file.read_text() == TREE
    assert "Al" in builder.devices["mp"].labels


def test_a_read_only_file(builder: Builder, file: Path) -> None:
    mp = builder.devices["mp"]
    file.chmod(0o444)
    for change in (
        lambda: mp.create_position("Cu", (builder.find("att1z"), 1)),
        lambda: mp.update_position("Al"),
        lambda: mp.remove_position("Al"),
    ):
        with pytest.raises(ConfigError, match=r"att.yml: this file is read-only; nothing was"):
            change()
    assert file.read_text() == TREE
    assert mp.labels == ["out", "Al", "20"]
    assert mp.targets_dict["Al"][0].destination == 10
    mp.remove_position("Al", save=False)
    assert mp.labels == ["out", "20"]


def test_a_file_that_is_gone_or_damaged(builder: Builder, file: Path) -> None:
    mp = builder.devices["mp"]
    for text, message in [
        ("- {name: mp", "cannot be read as it is now"),
        ("- name: other\n", "mp: it is not there any more with `positions`"),
        ("- name: mp\n  positions: 5\n", "mp: `positions` is no list"),
        ("- {name: mp, positions: [{label: Al}]}\n", "mp: it is written in braces"),
        ("- name: mp\n  positions: *x\n", "cannot be read as it is now"),
    ]:
        file.write_text(text)
        with pytest.raises(ConfigError, match=message):
            mp.remove_position("Al")
        assert file.read_text() == text
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read as it is now"):
        mp.remove_position("Al")
    file.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        mp.remove_position("Al")
    assert "Al" in mp.labels


def test_a_disk_that_fails(builder: Builder, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        ConfigError, match=r"cannot be written \(No space left on device\); nothing"
    ):
        builder.devices["mp"].remove_position("Al")
    assert file.read_text() == TREE
    assert len(list(file.parent.iterdir())) == 1


def test_line_ends_marks_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "config"
    real.mkdir()
    link.mkdir()
    content = b"\xef\xbb\xbf" + TREE.replace("\n", "\r\n").encode()
    (real / "att.yml").write_bytes(content)
    (real / "att.yml").chmod(0o640)
    (link / "att.yml").symlink_to(real / "att.yml")
    mp = Builder(load_configuration(link)).find("mp")
    mp.create_position("Cu", [(mp.axes[0], 30)])
    raw = (real / "att.yml").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf#")
    assert raw.count(b"\r\n") == raw.count(b"\n")
    assert (link / "att.yml").is_symlink()
    assert (real / "att.yml").stat().st_mode & 0o777 == 0o640
    assert "Cu" in Builder(load_configuration(link)).find("mp").labels


@pytest.mark.parametrize(
    "text",
    [
        "class: MultiplePositions\nname: mp\npositions:\n- label: a\n  target:\n"
        "  - {axis: $z, destination: 1}\n- label: b\n  target:\n  - {axis: $z, destination: 2}\n",
        "class: MultiplePositions\nname: mp\npositions: [{label: a, target: [{axis: $z, "
        "destination: 1}]},\n   {label: b, target: [{axis: $z, destination: 2}]}]\nx: 1\n",
        "controller:\n    class: MultiplePositions\n    name: mp\n    positions:\n"
        "        -   label: a\n            target:\n"
        "                -   {axis: $z, destination: 1}\n"
        "        -   label: b\n            target:\n"
        "                -   {axis: $z, destination: 2}",
    ],
    ids=["no indent", "in brackets", "by four"],
)
def test_other_ways_of_writing(tmp_path: Path, text: str) -> None:
    (tmp_path / "mp.yml").write_text(text)
    (tmp_path / "z.yml").write_text("- {class: MockupAxis, name: z}\n")
    mp = Builder(load_configuration(tmp_path)).find("mp")
    z = mp.axes[0]
    mp.create_position("c", (z, 3))
    mp.update_position("a", (z, 1.5))
    mp.remove_position("b")
    again = Builder(load_configuration(tmp_path)).find("mp")
    assert {k: v[0].destination for k, v in again.targets_dict.items()} == {"a": 1.5, "c": 3.0}
    assert mp.labels == again.labels


def test_positions_that_are_inherited(tmp_path: Path) -> None:
    (tmp_path / "__init__.yml").write_text(
        "class: MultiplePositions\npositions:\n"
        "  - {label: a, target: [{axis: $z, destination: 1}]}\n"
        "  - {label: b, target: [{axis: $z, destination: 2}]}\n"
    )
    (tmp_path / "mp.yml").write_text("- name: mp\n- {class: MockupAxis, name: z}\n")
    mp = Builder(load_configuration(tmp_path)).find("mp")
    with pytest.raises(ConfigError, match=r"__init__.yml:2: mp inherits `positions` from here"):
        mp.remove_position("a")


def test_only_objects_can_be_edited(builder: Builder) -> None:
    with pytest.raises(ConfigError, match="there is no object 'nothing'"):
        builder.edit("nothing", "positions", lambda items: None)
