"""Tables of the README, copied from committed results so that no number there is typed by hand.

python -m benchmarks.readme
"""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.records import write_at_once

ROOT = Path(__file__).resolve().parents[1]
_PLACE = re.compile(r"(<!-- from (?P<source>\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill_tables(text: str, root: Path = ROOT) -> str:
    """Put the Markdown tables of each named file between its markers."""

    def fill(place: re.Match[str]) -> str:
        source = root / place["source"]
        if not source.is_file():
            raise FileNotFoundError(f"the README takes a table from {place['source']}, which is not there")
        blocks = [block for block in source.read_text().split("\n\n") if block.startswith("|")]
        return f"{place[1]}\n" + "\n\n".join(block.strip() for block in blocks) + f"\n\n{place[3]}"

    return _PLACE.sub(fill, text)


if __name__ == "__main__":
    write_at_once(ROOT / "README.md", fill_tables((ROOT / "README.md").read_text()))
