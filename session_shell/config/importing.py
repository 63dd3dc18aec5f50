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
    here = [root / top, root / top / "__init__.py", root / f"{top}.py"]
    if not here[0].is_dir() and not here[2].is_file():
        yield
        return
    importlib.invalidate_caches()  # the files may be newer than what Python knows of the folder
    spec = PathFinder.find_spec(top)
    places = [spec.origin, *(spec.submodule_search_locations or ())] if spec is not None else []
    # Somebody who stands in the configuration folder finds it there without our help.
    if spec is not None and not any(p and Path(p).absolute() in here for p in places):
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
