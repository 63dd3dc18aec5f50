from __future__ import annotations

import pytest

from session_shell.errors import MetadataError, SessionShellError
from session_shell.scanning import scan_meta
from session_shell.scanning.scan_meta import META_TIMING, ScanMeta


class Named:
    name = "mp"


def test_static_dict_and_callable_are_merged_under_the_category() -> None:
    meta = ScanMeta()
    meta.instrument.set("mymetadata", {"att": {"status": "in"}})
    meta.instrument.set(Named(), lambda scan: {"att": {"label": scan}, "position_label": "x"})
    assert meta.to_dict("s") == {
        "instrument": {"att": {"status": "in", "label": "s"}, "position_label": "x"}
    }


def test_default_timings() -> None:
    meta = ScanMeta()
    assert meta.instrument.timing == META_TIMING.END
    for name in ("positioners", "technique", "sample", "sample_description", "proposal"):
        assert getattr(meta, name).timing == META_TIMING.START


def test_to_dict_at_one_timing() -> None:
    meta = ScanMeta()
    meta.technique.set("a", {"x": 1})
    meta.instrument.set("b", {"y": 2})
    meta.instrument.timing = META_TIMING.PREPARED | META_TIMING.END
    assert meta.to_dict(None, META_TIMING.START) == {"technique": {"x": 1}}
    assert meta.to_dict(None, META_TIMING.PREPARED) == {"instrument": {"y": 2}}
    assert meta.to_dict(None, META_TIMING.END) == {"instrument": {"y": 2}}


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_callable_that_gives_nothing_leaves_no_trace(nothing: object) -> None:
    meta = ScanMeta()
    meta.sample.set("s", lambda scan: nothing)
    assert meta.to_dict(None).get("sample") in (None, {})


def test_remove_is_set_and_keys() -> None:
    meta = ScanMeta()
    device = Named()
    meta.sample.set(device, {"x": 1})
    meta.sample.set("other", {"y": 1})
    assert meta.sample.is_set(device)
    assert meta.sample.is_set("mp")
    assert meta.sample.keys == ["mp", "other"]
    assert meta.sample.keys() == ["mp", "other"]
    meta.sample.remove(device)
    meta.sample.remove("never there")
    assert not meta.sample.is_set("mp")
    assert meta.used_categories_names == ["sample"]
    assert meta.used_categories_names() == ["sample"]
    meta.clear()
    assert meta.used_categories_names == []


def test_setting_a_name_again_replaces_it() -> None:
    meta = ScanMeta()
    meta.sample.set("s", {"x": 1, "y": 2})
    meta.sample.set("s", {"x": 3})
    assert meta.to_dict(None) == {"sample": {"x": 3}}


def test_categories_can_be_added_and_removed() -> None:
    meta = ScanMeta()
    meta.add_categories({"Workflows"})
    meta.workflows.set("w", {"x": 1})
    assert "workflows" in meta.categories_names()
    meta.add_categories(["workflows"])
    assert meta.to_dict(None) == {"workflows": {"x": 1}}
    meta.remove_categories(["workflows", "unknown"])
    with pytest.raises(AttributeError, match="there is no metadata category 'workflows'"):
        meta.workflows.set("w", {})


@pytest.mark.parametrize("name", ["", "a b", "1st", "class", "copy", "a/b"])
def test_a_category_needs_a_usable_name(name: str) -> None:
    with pytest.raises(MetadataError, match="cannot be the name"):
        ScanMeta().add_categories([name])


def test_a_copy_is_not_changed_by_later_edits() -> None:
    meta = ScanMeta()
    values = {"a": {"x": 1}}
    meta.sample.set("s", values)
    copy = meta.copy()
    values["a"]["x"] = 2
    meta.sample.set("t", {"y": 1})
    meta.sample.timing = META_TIMING.END
    assert copy.to_dict(None) == {"sample": {"a": {"x": 1}}}
    assert copy.sample.timing == META_TIMING.START


@pytest.mark.parametrize("values", [3, "text", [("a", 1)], None])
def test_what_is_no_metadata_is_refused(values: object) -> None:
    with pytest.raises(MetadataError, match=r"sample\.set\('s', \.\.\.\): expected a dict"):
        ScanMeta().sample.set("s", values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", 3, None, object()])
def test_a_source_needs_a_name(name: object) -> None:
    with pytest.raises(MetadataError, match="expected a name"):
        ScanMeta().sample.set(name, {})


@pytest.mark.parametrize("timing", ["START", 1, None, META_TIMING(0)])
def test_a_timing_is_checked(timing: object) -> None:
    with pytest.raises(MetadataError, match=r"sample\.timing: expected META_TIMING"):
        ScanMeta().sample.timing = timing  # type: ignore[assignment]


@pytest.mark.parametrize("timeout", ["5", 0, -1, True, float("nan")])
def test_a_timeout_is_checked(timeout: object) -> None:
    with pytest.raises(MetadataError, match="expected seconds > 0"):
        ScanMeta().sample.timeout = timeout  # type: ignore[assignment]


def test_the_registry_belongs_to_the_open_session(session: object) -> None:
    assert scan_meta.get_user_scan_meta() is session.scan_meta  # type: ignore[attr-defined]


def test_without_a_session_it_says_so() -> None:
    with pytest.raises(SessionShellError, match="no session is open"):
        scan_meta.get_user_scan_meta()


def test_summaries_name_what_is_registered() -> None:
    meta = ScanMeta()
    assert meta.__info__() == "no scan metadata is registered"
    meta.sample.set("s", {"x": 1})
    assert "sample: taken at START" in meta.__info__()
    assert repr(meta.sample) == "<Category sample: s>"
