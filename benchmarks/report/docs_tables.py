"""Tables of the README, copied from committed results so that no number there is typed by hand.

python -m benchmarks.report.docs_tables
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.report.findings import read_findings
from scenes.storage.atomic import write_text

ROOT = Path(__file__).resolve().parents[2]
_PLACE = re.compile(r"(<!-- from (?P<source>\S+?)(#(?P<section>[^\n]+?))? -->\n).*?(<!-- end -->)", re.DOTALL)


def fill_tables(text: str, root: Path = ROOT) -> str:
    """Put the Markdown tables of each named file, or of one section of it, between its markers.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file has no such section.
    """

    def fill(place: re.Match[str]) -> str:
        source = root / place["source"]
        if not source.is_file():
            raise FileNotFoundError(f"the README takes a table from {place['source']}, which is not there")
        if source.suffix == ".yaml":
            return f"{place[1]}\n{read_findings(source, root)}\n\n<!-- end -->"
        found = source.read_text()
        if place["section"]:
            sections = {part.partition("\n")[0]: part for part in found.split("\n## ")[1:]}
            if place["section"] not in sections:
                raise ValueError(f"{place['source']} has no section '{place['section']}': it has {', '.join(sections)}")
            found = sections[place["section"]]
        blocks = [block.strip() for block in found.split("\n\n") if block.startswith("|")]
        return f"{place[1]}\n" + "\n\n".join(blocks) + "\n\n<!-- end -->"

    return _PLACE.sub(fill, text)


if __name__ == "__main__":
    write_text(ROOT / "README.md", fill_tables((ROOT / "README.md").read_text()))
