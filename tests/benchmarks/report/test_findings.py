from pathlib import Path

import pytest

from benchmarks.report.findings import Cell, effect, findings_table

REPORT = """# Study

## Primary endpoints

A note.

| contrast | category | difference [95 %] |
| --- | --- | --- |
| 3d - 2d | speed | **+0.335 [+0.292, +0.380]** |
| 3d - 2d | colour | -0.001 [-0.010, +0.008] (-0.1% [-1.0%, +0.8%]) |

## Other

| contrast | category | difference [95 %] |
| --- | --- | --- |
| 3d - 2d | speed | +9.0 [+8.0, +10.0] |
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "report.md").write_text(REPORT)
    return tmp_path


def cell(category: str = "speed", section: str = "Primary endpoints", column: str = "difference [95 %]") -> Cell:
    return Cell("report.md", section, {"contrast": "3d - 2d", "category": category}, column)


def test_a_finding_reads_its_cell_from_the_named_section(root: Path) -> None:
    finding = {"question": "Q?", "finding": "yes", "page": "compare", "cell": cell().__dict__}
    table = findings_table([finding], root)
    assert table.splitlines()[2] == "| Q? | yes | +0.335 [+0.292, +0.380] | [compare] |"


def test_a_share_of_the_baseline_is_left_out(root: Path) -> None:
    assert effect(cell("colour").read(root)) == "-0.001 [-0.010, +0.008]"


def test_a_finding_that_no_longer_fits_its_report_is_an_error(root: Path) -> None:
    with pytest.raises(ValueError, match="0 rows have"):
        cell("shape").read(root)
    with pytest.raises(ValueError, match="0 rows have"):
        cell(column="p").read(root)
    with pytest.raises(ValueError, match="its sections are: Primary endpoints, Other"):
        cell(section="Accuracy").read(root)
    with pytest.raises(FileNotFoundError, match=r"none\.md"):
        Cell("none.md", "x", {}, "y").read(root)
    with pytest.raises(ValueError, match="expected a value with its interval"):
        effect("n/a")
