"""Packages of other repositories, imported from a checkout of the user's; their code is not part of region4d."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path


def import_package(name: str, folder: Path) -> None:
    """Import a package from a folder outside the module path, under its own name, as its internal imports need.

    Raises:
        ValueError: the folder has no such package, or another package of that name is already imported.
    """
    spec = PathFinder.find_spec(name, [str(folder)])
    if spec is None:
        raise ValueError(f"{folder} has no package {name}: give a checkout of its repository")
    loaded = sys.modules.get(name)
    if loaded is not None:
        paths = [Path(path).resolve() for path in getattr(loaded, "__path__", [])]
        if (folder / name).resolve() not in paths:
            raise ValueError(f"cannot import {folder / name}: another package {name} is already imported; uninstall it")
        return
    package = module_from_spec(spec)
    sys.modules[name] = package
    with ExitStack() as undo:
        undo.callback(sys.modules.pop, name)  # remove the package again if its import fails
        if spec.loader is not None:
            spec.loader.exec_module(package)
        undo.pop_all()
