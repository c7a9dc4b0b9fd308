import re
from pathlib import Path

import pytest

from benchmarks.report.docs_tables import ROOT, fill_tables

README = (ROOT / "README.md").read_text()


def test_the_tables_of_the_readme_are_those_of_the_results() -> None:
    assert fill_tables(README) == README


def test_a_changed_number_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "table.md").write_text("# Title\n\n| a |\n| --- |\n| 1 |\n\nnote\n")
    text = "<!-- from table.md -->\n\n| a |\n| --- |\n| 2 |\n\n<!-- end -->"
    assert fill_tables(text, tmp_path) == text.replace("2", "1")
    with pytest.raises(FileNotFoundError, match=r"none\.md"):
        fill_tables(text.replace("table.md", "none.md"), tmp_path)


def test_every_file_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []
