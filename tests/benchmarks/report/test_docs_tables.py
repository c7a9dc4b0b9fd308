import re
from pathlib import Path

import pytest

from benchmarks.report.docs_tables import ROOT, documents, fill_documents, fill_tables
from probes.extractors.table import SOURCE, extractor_tables

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_tables_of_a_document_are_those_of_the_results_and_configurations(path: Path) -> None:
    assert fill_tables(path.read_text(), made={SOURCE: extractor_tables()}) == path.read_text()


def test_a_changed_number_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "table.md").write_text("# Title\n\n| a |\n| --- |\n| 1 |\n\nnote\n")
    text = "<!-- from table.md -->\n\n| a |\n| --- |\n| 2 |\n\n<!-- end -->"
    assert fill_tables(text, tmp_path) == text.replace("2", "1")
    with pytest.raises(FileNotFoundError, match=r"none\.md"):
        fill_tables(text.replace("table.md", "none.md"), tmp_path)


def test_a_table_that_code_makes_needs_no_file(tmp_path: Path) -> None:
    table = "| a |\n| --- |\n| 1 |"
    made = {"configs/thing": f"# Things\n\n## One\n\n{table}\n\n## Two\n\nnothing\n"}
    text = "<!-- from configs/thing#One -->\n<!-- end -->"
    assert fill_tables(text, tmp_path, made) == f"<!-- from configs/thing#One -->\n\n{table}\n\n<!-- end -->"
    with pytest.raises(ValueError, match="configs/thing has no section 'Three'; its sections are: One, Two"):
        fill_tables(text.replace("#One", "#Three"), tmp_path, made)


def test_every_file_that_the_readme_links_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert len(links) > 8
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_document_is_filled_and_folded_tables_are_left_out(tmp_path: Path) -> None:
    table = "| a |\n| --- |\n| 1 |"
    folded = f"<details><summary>with 95 % intervals</summary>\n\n{table}\n\n</details>"
    (tmp_path / "report.md").write_text(f"# Title\n\n## One\n\n{table}\n\n{folded}\n\n## Two\n\nnothing\n")
    (tmp_path / "docs" / "results").mkdir(parents=True)
    document = tmp_path / "docs" / "results" / "one.md"
    document.write_text("<!-- from report.md#One -->\n<!-- end -->\n")
    assert fill_documents(tmp_path) == [document]
    assert document.read_text() == f"<!-- from report.md#One -->\n\n{table}\n\n<!-- end -->\n"
    assert fill_documents(tmp_path) == []
