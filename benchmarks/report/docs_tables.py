"""Tables of README and docs, copied from where they are made so that no number there is typed by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from benchmarks.report.findings import read_findings, section
from scenes.storage.atomic import write_text

ROOT = Path(__file__).resolve().parents[2]
_MARKER = re.compile(r"(<!-- from (?P<source>\S+?)(#(?P<section>[^\n]+?))? -->\n).*?(<!-- end -->)", re.DOTALL)
_FOLDED = re.compile(r"<details>.*?</details>\n?", re.DOTALL)
NOTHING: Mapping[str, str] = MappingProxyType({})


def fill_tables(text: str, root: Path = ROOT, made: Mapping[str, str] = NOTHING) -> str:
    """Put the Markdown tables of each named source, or of one section of it, between its markers.

    A source is a file of the repository, or a name in `made`, which has its Markdown. Tables that a report folds away
    are left out: they repeat the means with their intervals.

    Raises:
        FileNotFoundError: There is no such source.
        ValueError: The source has no such section.
    """

    def fill(marker: re.Match[str]) -> str:
        name = marker["source"]
        source = root / name
        if name not in made and not source.is_file():
            raise FileNotFoundError(f"a document takes a table from {name}, which does not exist")
        if source.suffix == ".yaml":
            return f"{marker[1]}\n{read_findings(source, root)}\n\n<!-- end -->"
        content = made[name] if name in made else source.read_text(encoding="utf-8")
        if marker["section"]:
            content = section(content, marker["section"], name)
        blocks = [block.strip() for block in _FOLDED.sub("", content).split("\n\n") if block.lstrip().startswith("|")]
        return f"{marker[1]}\n" + "\n\n".join(blocks) + "\n\n<!-- end -->"

    return _MARKER.sub(fill, text)


def documents(root: Path = ROOT) -> list[Path]:
    """List README.md and every Markdown file of docs/."""
    return [path for path in (root / "README.md", *sorted((root / "docs").rglob("*.md"))) if path.is_file()]


def fill_documents(root: Path = ROOT, made: Mapping[str, str] = NOTHING) -> list[Path]:
    """Fill the tables of every document (see `fill_tables`); return those that changed."""
    changed = []
    for path in documents(root):
        before = path.read_text(encoding="utf-8")
        if (after := fill_tables(before, root, made)) != before:
            write_text(path, after)
            changed.append(path)
    return changed
