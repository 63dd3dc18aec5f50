"""Every file that cannot be read is one clear line; the others are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from session_shell.config import Configuration, load_configuration
from session_shell.errors import ConfigError

GOOD = "name: good\nclass: simulation_diode\n"


def lines(configuration: Configuration) -> list[str]:
    return [str(problem) for problem in configuration.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1, 2\nb: 3\n", "bad.yml:2: YAML: expected ',' or ']', but got ':'"),
        ("- name: a\n\tclass: b\n", "bad.yml:2: YAML: a tab cannot be used to indent; use spaces"),
        ("name: a\n  b: c\n", "bad.yml:2: YAML: no ':' can stand here; check the indentation"),
        ("a: 1\n---\nb: 2\n", "bad.yml:2: YAML: a second document begins here"),
        ("just text\n", "bad.yml:1: 'just text' is no mapping"),
        ("- 5\n", "bad.yml:1: '5' is no mapping"),
        (
            "name: a\nclass: x\nname: b\n",
            "bad.yml:3: the key 'name' is there twice, first at line 1",
        ),
        ("name: a\nclass: x\nv: !!python/object:os.system 5\n", "bad.yml:3: the YAML tag !!python"),
        ("name: a\nclass: x\nv: !mine {a: 1}\n", "bad.yml:3: the YAML tag !mine cannot be used"),
        ("name: a\nclass: x\nv: !!set {a, b}\n", "bad.yml:3: the YAML tag !!set cannot be used"),
        ("name: a\nclass: x\nv: !!int five\n", "bad.yml:3: 'five' is not a valid int"),
        ("name: a\nclass: x\nv: 2024-13-45\n", "bad.yml:3: '2024-13-45' is not a valid timestamp"),
        ("name: a\nclass: x\n? [1, 2]\n: 3\n", "bad.yml:3: a list or a mapping cannot be a key"),
        ("name: a\nclass: x\nv: *nothing\n", "bad.yml:3: YAML: found undefined alias 'nothing'"),
        ("name: a\nclass: x\nv: &v [*v]\n", "bad.yml:3: this value contains itself"),
        ("name: a\nclass: x\n<<: 5\n", "bad.yml:3: '<<' merges mappings only"),
        ("&a\nname: a\nclass: x\n<<: *a\n", "bad.yml:1: this mapping is merged into itself"),
        ("name: a\nclass: \x07x\n", "bad.yml:2: YAML: the character U+0007 cannot be used"),
        ("v: " + "[" * 700 + "\n", "bad.yml:1: YAML: the values are nested too deeply"),
        ("name: 'a\nclass: x\n", "bad.yml:2: YAML: found unexpected end of stream"),
        ("", "bad.yml:1: this file is empty"),
        ("# only a remark\n", "bad.yml:1: this file is empty"),
        (b"a: 1\nb: \xff\n", "bad.yml:2: byte 0xff is not UTF-8; save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "bad.yml:1: byte 0xff is not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_bad_file_is_one_line_and_the_others_are_read(tree, text, expected):
    configuration = load_configuration(tree(files={"bad.yml": text, "good.yml": GOOD}))
    assert len(configuration.problems) == 1, lines(configuration)
    assert lines(configuration)[0].startswith(expected)
    assert "\n" not in lines(configuration)[0]
    assert "good" in configuration.objects


def test_all_problems_are_reported_at_once(tree):
    root = tree(files={"a.yml": "a: [", "b.yml": "x\n", "sub/c.yml": "a: 1\na: 2\n"})
    assert [(p.file.name, p.line) for p in load_configuration(root).problems] == [
        ("a.yml", 1),
        ("b.yml", 1),
        ("c.yml", 2),
    ]


def test_aliases_that_expand_without_end_are_refused(tree):
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, 10):
        text += f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 10) + "]\n"
    configuration = load_configuration(tree(files={"a.yml": f"name: a\nclass: x\n{text}"}))
    assert lines(configuration) == ["a.yml:1: the aliases of this file expand to too many values"]


def test_merges_cost_what_they_hold(tree):
    # Read again for each alias, this would be 2 ** 40 keys.
    lines = [
        "a0: &a0 {x: 1}",
        *(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}" for i in range(1, 40)),
    ]
    assert load_configuration(tree("\n".join(lines) + "\n")).problems == []


def test_a_chain_of_merges_that_adds_up_is_refused(tree):
    text = "- &a0 {name: m0, class: x}\n" + "".join(
        f"- &a{i} {{<<: *a{i - 1}, name: m{i}, k{i}: 1}}\n" for i in range(1, 700)
    )
    (problem,) = load_configuration(tree(text)).problems
    assert "expand to too many values" in str(problem)


def test_a_file_that_names_yaml_1_1_is_read_as_that(tree):
    values = "- name: a\n  class: x\n  octal: 010\n  time: 12:30:00\n  word: yes\n"
    configuration = load_configuration(
        tree(
            files={
                "new.yml": values.replace("name: a", "name: b"),
                "old.yml": f"%YAML 1.1\n---\n{values}",
            }
        )
    )
    old, new = (configuration.objects[name].values for name in "ab")
    assert [old[k] for k in ("octal", "time", "word")] == [8, 45000, True]
    assert [new[k] for k in ("octal", "time", "word")] == [10, "12:30:00", "yes"]


def test_a_number_of_many_digits_is_one_short_line(tree):
    configuration = load_configuration(tree(f"name: a\nclass: x\nv: {'9' * 20_000}\n"))
    (problem,) = configuration.problems
    assert str(problem).startswith("all.yml:3: '99999")
    assert len(str(problem)) < 300


def test_only_visible_yaml_files_are_read(tree):
    names = ["a.yml", "b.yaml", ".hidden.yml", ".git/c.yml", "__pycache__/d.yml", "e.txt", "f.yml~"]
    root = tree(files={name: f"name: {name[0]}0\nclass: x\n" for name in names[:2]})
    for name in names[2:]:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("]")
    configuration = load_configuration(root)
    assert list(configuration.objects) == ["a0", "b0"]
    assert [file.name for file in configuration.files] == ["a.yml", "b.yaml"]


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tree):
    text = "﻿- name: a\r\n  class: x\r\n".encode()
    configuration = load_configuration(tree(files={"a.yml": text}))
    assert configuration.problems == []
    assert configuration.objects["a"].key_lines == {"name": 1, "class": 2}


def test_links_that_lead_round_are_read_once(tree):
    root = tree(files={"sub/a.yml": GOOD})
    (root / "sub" / "up").symlink_to(root)
    (root / "sub" / "self").symlink_to("self")
    (root / "again.yml").symlink_to("sub/a.yml")
    configuration = load_configuration(root)
    assert list(configuration.objects) == ["good"]
    assert [p.severity for p in configuration.problems] == ["warning"]
    assert "is read already" in lines(configuration)[0]


def test_links_that_lead_nowhere_are_named(tree):
    root = tree(files={"a.yml": GOOD})
    (root / "broken.yml").symlink_to("nothing")
    (root / "loop.yml").symlink_to("loop.yml")
    assert lines(load_configuration(root)) == [
        "broken.yml:1: this file cannot be read (No such file or directory)",
        "loop.yml:1: this file cannot be read (Too many levels of symbolic links)",
    ]


def test_a_pipe_is_not_waited_for(tree):
    root = tree(files={"a.yml": GOOD})
    os.mkfifo(root / "pipe.yml")
    assert lines(load_configuration(root)) == ["pipe.yml:1: this is no regular file"]


def test_what_may_not_be_read_is_named(tree, monkeypatch):
    root = tree(files={"a.yml": GOOD, "b.yml": GOOD, "sub/c.yml": GOOD})
    read_bytes, scandir = Path.read_bytes, os.scandir

    def deny(path: Path) -> bytes:
        if path.name == "a.yml":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    def deny_folder(path):
        if Path(path).name == "sub":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(Path, "read_bytes", deny)
    monkeypatch.setattr(os, "scandir", deny_folder)
    configuration = load_configuration(root)
    assert lines(configuration) == [
        "a.yml:1: this file cannot be read (Permission denied)",
        "sub: this folder cannot be read (Permission denied)",
    ]
    assert list(configuration.objects) == ["good"]


def test_a_file_name_that_is_no_text_can_be_printed(tree):
    root = tree(files={"a.yml": GOOD})
    try:
        (root / os.fsdecode(b"\xff.yml")).write_text("]")
    except OSError:
        pytest.skip("this file system takes text only")
    assert lines(load_configuration(root))[0].encode("utf-8").startswith(b"?.yml:1: YAML:")


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing", "there is no configuration directory"), ("a.yml", "is a file, not a directory")],
)
def test_a_directory_that_is_not_there(tree, name, message):
    root = tree(files={"a.yml": GOOD})
    with pytest.raises(ConfigError, match=message):
        load_configuration(root / name)


def test_merges_and_anchors(tree):
    root = tree("""
        - &base
          name: a
          class: x
          speed: 1
          deep: {k: 1}
        - <<: [*base, {extra: 3}]
          name: b
          speed: 2
    """)
    configuration = load_configuration(root)
    assert configuration.problems == []
    b = configuration.objects["b"]
    assert b.values == {"name": "b", "speed": 2, "class": "x", "deep": {"k": 1}, "extra": 3}
    assert (b.line, b.key_lines["class"], b.key_lines["deep.k"]) == (7, 3, 5)


@given(text=st.text(alphabet="ab:-[]{}#&*!|>'\"%@`$ \n\t?,<1.~\\", max_size=60))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_a_traceback(tmp_path, text):
    (tmp_path / "any.yml").write_text(text)
    configuration = load_configuration(tmp_path)
    assert all(p.file and p.line and "\n" not in p.message for p in configuration.problems)


@given(raw=st.binary(max_size=40))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_are_a_traceback(tmp_path, raw):
    (tmp_path / "any.yml").write_bytes(raw)
    configuration = load_configuration(tmp_path)
    assert all(p.file and p.line for p in configuration.problems)
