"""The Markdown pages of the repository: their links, headings, and fenced blocks with the commands in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_NOTE = re.compile(r"<!-- (?P<kind>long|needs): (?P<reason>.+) -->")
_FILE = re.compile(r"^cat > (\S+) <<'(\w+)'\n((?:.*\n)*?)\2$", re.MULTILINE)
_FENCE = re.compile(r"^```(?P<language>\w*)$")


@dataclass(frozen=True)
class Command:
    """One command of a block: its words, and the lines of standard output that a console block shows after it."""

    words: tuple[str, ...]
    output: tuple[str, ...] = ()

    def __str__(self) -> str:
        return shlex.join(self.words)


@dataclass(frozen=True)
class Block:
    """A fenced block. `note` is "long" or "needs" where a comment above it says why it is not run, else empty."""

    page: Path
    line: int
    language: str
    note: str
    text: str

    @property
    def name(self) -> str:
        """Where the block is."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def files(self) -> dict[str, str]:
        """Read the files that a shell block writes by `cat > NAME <<'END'`."""
        return {name: text for name, _, text in _FILE.findall(self.text)}

    def commands(self) -> list[Command]:
        """Read the commands of a shell block but `cat > NAME`; what a console block shows after `$` is output."""
        text = _FILE.sub("", self.text)
        lines = re.sub(r" *\\\n *", " ", text).splitlines()
        if self.language != "console":
            words = [tuple(shlex.split(line, comments=True)) for line in lines]
            return [Command(each) for each in words if each]
        starts = [k for k, line in enumerate(lines) if line.startswith("$ ")]
        return [
            Command(tuple(shlex.split(lines[start][2:])), tuple(lines[start + 1 : end]))
            for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)
        ]


def blocks(page: Path) -> list[Block]:
    """Read the fenced blocks of a page."""
    found = []
    lines = page.read_text().splitlines()
    k = 0
    while k < len(lines):
        fence = _FENCE.match(lines[k])
        if fence is None:
            k += 1
            continue
        end = lines.index("```", k + 1)
        note = _NOTE.fullmatch(lines[k - 1]) if k else None
        text = "\n".join(lines[k + 1 : end])
        found.append(Block(page, k + 1, fence["language"], note["kind"] if note else "", text))
        k = end + 1
    return found


def without_blocks(page: Path) -> str:
    """Read the text of a page, without fenced blocks and inline code."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def links(page: Path) -> list[str]:
    """List the targets of the links and pictures of a page: inline, by reference, and HTML images."""
    text = without_blocks(page)
    patterns = (r"\]\(([^)\s]+)\)", r"^\[[^\]]+\]: (\S+)$", r'<img src="([^"]+)"')
    return [target for pattern in patterns for target in re.findall(pattern, text, re.MULTILINE)]


def anchors(page: Path) -> set[str]:
    """List the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#{1,6} (.+)$", re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
