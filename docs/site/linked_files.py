"""A hook of MkDocs: what pages link to outside of docs/ comes into the site.

Markdown and pictures appear below `repository/`; a folder is represented by its report or README. Links to other files,
such as code, become text: the site does not hold the code.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md")  # of the navigation
SHOWN = (".md", ".svg", ".png", ".jpg")
LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<path>[^)\s#]*)(?P<anchor>#[^)\s]*)?\)")
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the files outside of docs/ that pages link to, and those that these link to."""
    waiting = [*PAGES, *outside(DOCS / file.src_uri for file in files.documentation_pages())]
    added: set[Path] = set()
    while waiting:
        source = waiting.pop()
        if source not in added:
            added.add(source)
            files.append(File.generated(config, uri_of(source), abs_src_path=str(source)))
            waiting += outside([source])
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page to where the site has their targets."""
    uri = page.file.src_uri
    source = ROOT / uri.removeprefix("repository/") if uri.startswith("repository/") else DOCS / uri

    def rewrite(match: re.Match[str]) -> str:
        path, anchor = match["path"], match["anchor"] or ""
        if not path or ":" in path:
            return match[0]
        target = shown(resolved(source, path))
        if target is None:
            return match["text"]
        return (
            f"{match['picture']}[{match['text']}]({posixpath.relpath(uri_of(target), posixpath.dirname(uri))}{anchor})"
        )

    parts = FENCE.split(markdown)
    return "".join(part if part.startswith("```") else LINK.sub(rewrite, part) for part in parts)


def outside(pages: Iterable[Path]) -> list[Path]:
    """List the files outside of docs/ that pages link to, as far as the site shows them."""
    texts = {page: page.read_text(encoding="utf-8") for page in pages if page.suffix == ".md" and page.is_file()}
    links = {(page, match["path"]) for page, text in texts.items() for match in LINK.finditer(FENCE.sub("", text))}
    found = {shown(resolved(page, path)) for page, path in links if path and ":" not in path}
    return sorted(file for file in found if file is not None and not file.is_relative_to(DOCS))


def resolved(page: Path, path: str) -> Path:
    """Resolve a link of a page."""
    return Path(os.path.normpath(page.parent / path))


def shown(target: Path) -> Path | None:
    """Find the file that the site shows for a target; None for what it does not hold."""
    if target.is_dir():
        return next((target / name for name in ("report.md", "README.md") if (target / name).is_file()), None)
    if target == ROOT / "README.md":
        return DOCS / "index.md"
    if target.parent == DOCS / "examples":
        return target.with_suffix(".md")
    return target if target.suffix in SHOWN else None


def uri_of(file: Path) -> str:
    """Name a file in the site."""
    return (file.relative_to(DOCS) if file.is_relative_to(DOCS) else "repository" / file.relative_to(ROOT)).as_posix()
