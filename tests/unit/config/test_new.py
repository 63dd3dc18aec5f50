"""`new` writes a session that works at once, and never overwrites anything."""

from __future__ import annotations

import pytest

from session_shell.clock import VirtualClock
from session_shell.config import Builder, check_configuration, load_configuration, new_session
from session_shell.devices.context import DeviceContext
from session_shell.errors import ConfigError


def snapshot(root):
    return {str(f.relative_to(root)): f.read_bytes() for f in root.rglob("*") if f.is_file()}


@pytest.mark.parametrize("name", ["eh1", "id-2", "9keV", "samx", "class", "a.b"])
def test_a_new_session_has_no_problem_and_can_be_built(tmp_path, name):
    root = tmp_path / "not" / "there"
    files = new_session(root, name)
    assert [str(f.relative_to(root)) for f in files] == [
        f"{name}.yml",
        f"{name}_setup.py",
        f"scripts/{name}.py",
    ]
    configuration = load_configuration(root)
    assert check_configuration(configuration) == []
    plan = configuration.session_plan(name)
    assert plan.sessions[-1].setup_file == files[1]
    made, problems = Builder(configuration, DeviceContext(VirtualClock())).build(plan.object_names)
    assert problems == []
    assert len(made) == 5
    for file in files[1:]:
        compile(file.read_text(), str(file), "exec")


def test_the_diode_sees_a_peak_in_the_axis(tmp_path):
    new_session(tmp_path, "eh1")
    configuration = load_configuration(tmp_path)
    made, _ = Builder(configuration).build(["diode"])
    assert made["diode"].config["axis"] == "$samx"
    assert "samx" in made


def test_more_sessions_in_one_tree_do_not_clash(tmp_path):
    for name in ("eh1", "eh2", "eh-2", "eh_2"):
        new_session(tmp_path, name)
    configuration = load_configuration(tmp_path)
    assert check_configuration(configuration) == []
    samx = ["samx", "eh2_samx", "eh_2_samx", "eh_2__samx"]
    for name in ("eh1", "eh2", "eh-2", "eh_2"):
        assert set(samx) <= set(configuration.session_plan(name).object_names)
    assert "eh2_samx.position" in (tmp_path / "eh2_setup.py").read_text()


@pytest.mark.parametrize("existing", ["eh1.yml", "eh1_setup.py", "scripts/eh1.py"])
def test_nothing_is_overwritten(tmp_path, existing):
    file = tmp_path / existing
    file.parent.mkdir(exist_ok=True)
    file.write_text("# mine")
    before = snapshot(tmp_path)
    with pytest.raises(ConfigError, match=f"{existing} exists already"):
        new_session(tmp_path, "eh1")
    assert snapshot(tmp_path) == before


def test_a_dangling_link_is_not_written_through(tmp_path):
    (tmp_path / "eh1_setup.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(ConfigError, match="exists already"):
        new_session(tmp_path, "eh1")
    assert not (tmp_path / "elsewhere.py").exists()


def test_a_session_of_that_name_in_another_file(tmp_path):
    (tmp_path / "all.yml").write_text("\n- {class: Session, name: eh1}\n")
    with pytest.raises(ConfigError, match=r"a session 'eh1' already, at .*all.yml:2; choose"):
        new_session(tmp_path, "eh1")


@pytest.mark.parametrize("name", ["", "a b", "../x", "a/b", ".x", "-x", "__init__", "x" * 200])
def test_names_that_make_no_session(tmp_path, name):
    with pytest.raises(ConfigError):
        new_session(tmp_path, name)
    assert snapshot(tmp_path) == {}


def test_what_was_written_is_removed_when_the_rest_cannot_be(tmp_path):
    (tmp_path / "scripts").write_text("a file, no folder")
    with pytest.raises(ConfigError, match=r"eh1.py cannot be written \(.*\); nothing was created"):
        new_session(tmp_path, "eh1")
    assert set(snapshot(tmp_path)) == {"scripts"}


def test_a_root_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="is a file, not a directory"):
        new_session(tmp_path / "file", "eh1")
    with pytest.raises(ConfigError):
        new_session(tmp_path / "file" / "below", "eh1")
