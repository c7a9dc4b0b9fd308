"""Folders of configurations of one's own, beside those of region4d: `--config-dir FOLDER`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

FLAG, VARIABLE = "--config-dir", "REGION4D_CONFIG_DIR"  # processes of a study inherit the variable


def config_dirs() -> list[Path]:
    """List the folders that a composition searches after `configs/`, as `REGION4D_CONFIG_DIR` names them."""
    return [Path(folder) for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]


def take_config_dirs(words: Sequence[str]) -> list[str]:
    """Take `--config-dir FOLDER` out of the words of a command line, and remember the folders.

    Raises:
        ValueError: the flag has no folder, or there is none of that name.
    """
    left: list[str] = []
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if flag == FLAG:
            found.append(value if equals else next(rest, ""))
        else:
            left.append(word)
    for folder in found:
        if not folder or not Path(folder).is_dir():
            raise ValueError(f"{FLAG} '{folder}' is not a folder; give one of YAML files, as configs/ has them")
    if found:
        os.environ[VARIABLE] = os.pathsep.join([*map(os.path.abspath, found), *map(str, config_dirs())])
    return left
