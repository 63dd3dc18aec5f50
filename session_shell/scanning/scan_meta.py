"""Metadata that every scan of a session takes along: the registry that setup scripts fill.

    >>> from session_shell.scanning import scan_meta
    >>> meta = scan_meta.ScanMeta()
    >>> meta.instrument.set("mymetadata", {"myattenuator": {"status": "in"}})
    >>> meta.instrument.timing = scan_meta.META_TIMING.START
    >>> meta.to_dict(scan=None)
    {'instrument': {'myattenuator': {'status': 'in'}}}

The words are those of BLISS, whose users register metadata in their setup scripts.
"""

from __future__ import annotations

import enum
import keyword
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from session_shell.current import current_session
from session_shell.errors import MetadataError
from session_shell.scanning.metadata import copy_tree, merge

__all__ = ["META_TIMING", "Category", "ScanMeta", "get_user_scan_meta"]

Source = Mapping[str, Any] | Callable[[Any], Mapping[str, Any] | None]

DEFAULT_TIMEOUT = 5.0
"""Seconds that a metadata callable may take before the scan goes on without it."""


class META_TIMING(enum.Flag):  # noqa: N801  the name that setup scripts use
    """When the metadata of a category is taken; combine with ``|``."""

    START = enum.auto()
    """At the beginning of the scan."""
    PREPARED = enum.auto()
    """When the devices have been prepared, before the first point."""
    END = enum.auto()
    """After the last point, also of a scan that was aborted or failed."""


_ANY_TIMING = tuple(META_TIMING(bits) for bits in range(1, 8))

_BUILT_IN = {
    "instrument": META_TIMING.END,
    "positioners": META_TIMING.START,
    "technique": META_TIMING.START,
    "sample": META_TIMING.START,
    "sample_description": META_TIMING.START,
    "proposal": META_TIMING.START,
}


class Names(list[str]):
    """A list of names that may also be called: setup scripts write it both ways."""

    def __call__(self) -> list[str]:
        """Return the names as a plain list."""
        return list(self)


class Category:
    """One part of the metadata, a group of the scan's entry in the file.

    Args:
        name: The category, in lower case; the name of its group.
        timing: When its sources are asked.
    """

    def __init__(self, name: str, timing: META_TIMING = META_TIMING.START) -> None:
        self.name = name
        self._timing = timing
        self._timeout = DEFAULT_TIMEOUT
        self._sources: dict[str, Source] = {}

    @property
    def timing(self) -> META_TIMING:
        """When the sources are asked: a combination of `META_TIMING`."""
        return self._timing

    @timing.setter
    def timing(self, value: META_TIMING) -> None:
        if value not in _ANY_TIMING:
            raise MetadataError(
                f"{self.name}.timing: expected META_TIMING.START, PREPARED, END or several "
                f"joined with |, got {value!r}"
            )
        self._timing = value

    @property
    def timeout(self) -> float:
        """Seconds that a callable of this category may take (default 5)."""
        return self._timeout

    @timeout.setter
    def timeout(self, value: float) -> None:
        self._timeout = _checked_timeout(value, self.name)

    def set(self, name: object, values: Source) -> None:
        """Register metadata under a name; the same name again replaces it.

        Args:
            name: A string, or an object with a ``.name``.
            values: A dict, or a callable that gets the scan and returns a dict or None.

        Raises:
            MetadataError: For anything else.

        Example:
            ``meta.instrument.set(mp, lambda scan: {"position_label": mp.position})``
        """
        self._sources[_source_name(name)] = _checked_source(values, self.name, name)

    def remove(self, name: object) -> None:
        """Forget what was registered under a name or an object; unknown names are ignored."""
        self._sources.pop(_source_name(name), None)

    def is_set(self, name: object) -> bool:
        """Tell whether something is registered under a name or an object."""
        return _source_name(name) in self._sources

    @property
    def keys(self) -> Names:
        """Names that are registered, in their order."""
        return Names(self._sources)

    @property
    def names(self) -> Names:
        """Names that are registered, in their order."""
        return self.keys

    @property
    def sources(self) -> Mapping[str, Source]:
        """What is registered, by name."""
        return self._sources

    def clear(self) -> None:
        """Forget all that is registered here."""
        self._sources.clear()

    def copy(self) -> Category:
        """Return a copy that later edits of this one do not change."""
        other = Category(self.name, self._timing)
        other._timeout = self._timeout
        other._sources = {
            name: values if callable(values) else copy_tree(values)
            for name, values in self._sources.items()
        }
        return other

    def __info__(self) -> str:
        """Describe the category for the prompt."""
        lines = [f"{self.name}: taken at {_timing_words(self._timing)}"]
        lines += [f"  {name}: {_describe(values)}" for name, values in self._sources.items()]
        return "\n".join(lines if self._sources else [*lines, "  nothing registered"])

    def __repr__(self) -> str:
        return f"<Category {self.name}: {', '.join(self._sources) or 'empty'}>"


class ScanMeta:
    """The categories of metadata; each is an attribute: ``scan_meta_obj.instrument``."""

    def __init__(self) -> None:
        self._categories = {name: Category(name, timing) for name, timing in _BUILT_IN.items()}

    def __getattr__(self, name: str) -> Category:
        categories = self.__dict__.get("_categories", {})
        if name in categories:
            category: Category = categories[name]
            return category
        raise AttributeError(
            f"there is no metadata category {name!r}; there are {', '.join(categories)} "
            f"(add_categories([{name!r}]) makes a new one)"
        )

    def __dir__(self) -> Iterable[str]:
        return [*super().__dir__(), *self._categories]

    def __iter__(self) -> Iterator[Category]:
        return iter(self._categories.values())

    def add_categories(self, names: Iterable[str]) -> None:
        """Add categories, each a group of its own in the file; existing ones stay.

        Example:
            ``scan_meta_obj.add_categories(["workflows"])``
        """
        for name in _as_names(names):
            if not name.isidentifier() or keyword.iskeyword(name) or hasattr(ScanMeta, name):
                raise MetadataError(f"{name!r} cannot be the name of a metadata category")
            self._categories.setdefault(name, Category(name))

    def remove_categories(self, names: Iterable[str]) -> None:
        """Remove categories with all that is registered in them; unknown names are ignored."""
        for name in _as_names(names):
            self._categories.pop(name, None)

    @property
    def categories_names(self) -> Names:
        """Names of all categories."""
        return Names(self._categories)

    @property
    def used_categories_names(self) -> Names:
        """Names of the categories in which something is registered."""
        return Names(name for name, c in self._categories.items() if c.sources)

    def clear(self) -> None:
        """Forget all metadata; the categories stay."""
        for category in self:
            category.clear()

    def copy(self) -> ScanMeta:
        """Return a copy that later edits of this one do not change."""
        other = ScanMeta()
        other._categories = {category.name: category.copy() for category in self}
        return other

    def to_dict(self, scan: Any, timing: META_TIMING | None = None) -> dict[str, Any]:
        """Ask the sources and return ``{category: merged dict}``.

        Args:
            scan: What callables get.
            timing: Only categories taken at this time; None: all.

        Raises:
            Exception: What a callable raises (a scan goes on instead and records it).
        """
        result: dict[str, Any] = {}
        for category in self:
            if timing is not None and not timing & category.timing:
                continue
            for values in category.sources.values():
                part = values(scan) if callable(values) else values
                if part:
                    merge(result.setdefault(category.name, {}), copy_tree(part))
        return result

    def __info__(self) -> str:
        """Describe all that is registered for the prompt."""
        used = [category for category in self if category.sources]
        return "\n".join(c.__info__() for c in used) or "no scan metadata is registered"

    def __repr__(self) -> str:
        return f"<ScanMeta: {', '.join(self.used_categories_names) or 'empty'}>"


def get_user_scan_meta() -> ScanMeta:
    """Return the metadata registry of the current session.

    Raises:
        SessionShellError: When no session is open.

    Example:
        ``get_user_scan_meta().sample.set("sample", {"name": "Hematite"})``
    """
    registry: ScanMeta = current_session().scan_meta
    return registry


def _as_names(names: Iterable[str]) -> list[str]:
    return [str(n).lower() for n in ([names] if isinstance(names, str) else names)]


def _source_name(name: object) -> str:
    text = name if isinstance(name, str) else getattr(name, "name", None)
    if not isinstance(text, str) or not text:
        raise MetadataError(f"expected a name, or an object that has one, got {name!r}")
    return text


def _checked_source(values: Source, category: str, name: object) -> Source:
    if callable(values) or isinstance(values, Mapping):
        return values
    raise MetadataError(
        f"{category}.set({_source_name(name)!r}, ...): expected a dict, or a callable that gets "
        f"the scan and returns one, got {type(values).__name__}"
    )


def _checked_timeout(value: Any, category: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return float(value)
    raise MetadataError(f"{category}.timeout: expected seconds > 0, got {value!r}")


def _timing_words(timing: META_TIMING) -> str:
    return " and ".join(member.name or "" for member in META_TIMING if member in timing)


def _describe(values: Source) -> str:
    if callable(values):
        return f"{getattr(values, '__qualname__', repr(values))}(scan)"
    return ", ".join(map(str, values))
