"""Import device packages that lie in the configuration folder, for as long as it takes."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from pathlib import Path


@contextmanager
def importable_from(root: Path, package: str) -> Iterator[None]:
    """Let `package` be imported from `root` inside the block, if nothing installed has its name.

    `sys.path` is as before afterwards. A module of the same name that was imported from another
    configuration folder is forgotten first.
    """
    top = package.partition(".")[0]
    if not (root / top).is_dir() and not (root / f"{top}.py").is_file():
        yield
        return
    importlib.invalidate_caches()  # the files may be newer than what Python knows of the folder
    # Who stands in the configuration folder may have it on the path already.
    elsewhere = [place for place in sys.path if Path(place or ".").absolute() != root]
    if PathFinder.find_spec(top, elsewhere) is not None:
        yield
        return
    _forget_others(root, top)
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        if str(root) in sys.path:
            sys.path.remove(str(root))


def _forget_others(root: Path, top: str) -> None:
    module = sys.modules.get(top)
    if module is None:
        return
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
    if any(place and Path(place).is_relative_to(root) for place in places):
        return
    for name in [n for n in sys.modules if n == top or n.startswith(top + ".")]:
        del sys.modules[name]
