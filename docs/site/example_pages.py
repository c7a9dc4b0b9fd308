"""A hook of MkDocs: every script of docs/examples, in percent format, becomes a page."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages."""
    for script in sorted((Path(config.docs_dir) / "examples").glob("*.py")):
        files.append(File.generated(config, f"examples/{script.stem}.md", content=to_markdown(script.read_text())))
    return files


def to_markdown(script: str) -> str:
    """Turn cells into Markdown, text as it is and code as blocks; without a table of contents, lines have room.

    Raises:
        ValueError: the script does not begin with a cell.
    """
    before, *cells = re.split(r"^# %%(.*)\n", script, flags=re.MULTILINE)
    if before or not cells:
        raise ValueError("a script in percent format begins with a cell, `# %%` or `# %% [markdown]`")
    parts = []
    for kind, body in zip(cells[::2], cells[1::2], strict=True):
        if "[markdown]" in kind:
            parts.append(re.sub(r"^# ?", "", body, flags=re.MULTILINE).strip())
        else:
            parts.append(f"```python\n{body.strip()}\n```")
    return "---\nhide: [toc]\n---\n\n" + "\n\n".join(parts) + "\n"
