"""Builds region4d: a wheel holds one top-level package, an editable install the folders as they lie here.

The repository has its packages at the top (`models`, `scenes`, ...), where they are easy to find. An installed package
must not claim such names, so a wheel holds them as `region4d.models`, `region4d.scenes`, ..., with checkpoints and
configurations beside them; `models/resources.py` locates these in both layouts. While the wheel is built, imports
and the modules that strings name are rewritten to match. YAML is not: `region4d/layout.py` reads it in both layouts.
"""

from __future__ import annotations

import ast
import io
import re
import shutil
import sys
import tokenize
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CODE = ("models", "scenes", "training", "benchmarks", "distill", "probes")
DATA = ("configs", "checkpoints")
DOTTED = re.compile(r"(?<![\w./\\{-])(?:" + "|".join(CODE) + r")(?:\.\w+)+")  # `{`: a variable in an f-string


def names_module(dotted: str) -> bool:
    """Tell whether the first two parts of a dotted name are a module of this repository: `models.sr3d` is one."""
    path = ROOT.joinpath(*dotted.split(".")[:2])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def rewrite_text(text: str) -> str:
    """Put `region4d.` before every module of this repository that a text names; `probes.json` stays as it is."""
    return DOTTED.sub(lambda name: f"region4d.{name[0]}" if names_module(name[0]) else name[0], text)


def rewrite_python(source: str) -> str:
    """Rewrite the imports of a module, and the modules named in its strings and comments.

    Raises:
        ValueError: for `import models.x` without `as`: it binds the name `models`, which code may use anywhere.
    """
    places: list[tuple[int, int]] = []  # (line, column) of the first letter of an imported top-level name
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] in CODE:
            places.append((node.lineno, node.col_offset + len("from ")))
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] in CODE:
                    if alias.asname is None:
                        raise ValueError(f"line {node.lineno}: write `import {alias.name} as NAME`, or `from ...`")
                    places.append((alias.lineno, alias.col_offset))
    lines = source.splitlines(keepends=True)
    for line, column in sorted(places, reverse=True):
        head, tail = lines[line - 1][:column], lines[line - 1][column:]
        lines[line - 1] = f"{head}region4d.{tail}"
    return _rewrite_strings("".join(lines))


def _rewrite_strings(source: str) -> str:
    lines = source.splitlines(keepends=True)
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    tokens = [token for token in tokenize.generate_tokens(io.StringIO(source).readline) if token.type in kinds]
    for token in reversed(tokens):
        (first, start), (last, end) = token.start, token.end
        before, after = lines[first - 1][:start], lines[last - 1][end:]
        text = rewrite_text("".join(lines[first - 1 : last])[start : -len(after) or None])
        lines[first - 1 : last] = (before + text + after).splitlines(keepends=True)
    return "".join(lines)


class BuildPy(build_py):
    """Copies the packages to where the layout of the build puts them, and rewrites what names a moved module."""

    def run(self) -> None:
        """Build from nothing, so that no file of an earlier layout or build stays in the wheel."""
        if self.editable_mode:
            super().run()
            return
        shutil.rmtree(Path(self.build_lib) / "region4d", ignore_errors=True)
        super().run()
        for path in map(Path, self.get_outputs(include_bytecode=False)):
            if path.suffix == ".py":
                try:
                    path.write_text(rewrite_python(path.read_text()))
                except ValueError as error:
                    raise ValueError(f"{path}: {error}") from error


def in_wheel() -> dict[str, object]:
    """Lay the packages out below `region4d`, with the checkpoints of the registry and no other."""
    moved = {f"region4d.{name}": name for name in (*CODE, *DATA)}
    if taken := [name for name in (*CODE, *DATA) if (ROOT / "region4d" / name).exists()]:
        raise ValueError(f"region4d/{taken[0]} would be overwritten by {taken[0]}/ in the wheel: rename one of them")
    packages = [f"region4d.{name}" for top in CODE for name in find_packages(str(ROOT), include=[top, f"{top}.*"])]
    registry = (ROOT / "checkpoints" / "registry.yaml").read_text()
    shipped = re.findall(r"^(\w+):$", registry, flags=re.MULTILINE)
    return {
        "packages": [*find_packages(str(ROOT), include=["region4d*"]), *packages, *(f"region4d.{n}" for n in DATA)],
        "package_dir": moved,
        "package_data": {
            "region4d": ["py.typed"],
            "region4d.app.pages": ["assets/*"],
            "region4d.benchmarks.regionize": ["templates/*"],
            "region4d.benchmarks.report": ["templates/*"],
            "region4d.cards": ["assets/*"],
            "region4d.configs": ["**/*.yaml"],
            "region4d.checkpoints": ["registry.yaml", *(f"{name}/*" for name in shipped)],
        },
    }


def in_place() -> dict[str, object]:
    """Leave the packages where they are, for `pip install --editable`."""
    return {"packages": find_packages(str(ROOT), include=[f"{name}*" for name in ("region4d", *CODE)])}


if __name__ == "__main__":
    layout = in_place() if {"editable_wheel", "develop"} & set(sys.argv) else in_wheel()
    setup(cmdclass={"build_py": BuildPy}, include_package_data=False, **layout)
