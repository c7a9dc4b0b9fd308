from html.parser import HTMLParser
from pathlib import Path

from rich.console import Console

from benchmarks.report import Example, to_html, to_markdown, to_terminal, write_report
from tests.benchmarks.studies import toy_study


class Cells(HTMLParser):
    """Collect the text of table cells, and every address that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.loads: list[str] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag in ("td", "th")
        self.loads += [value or "" for name, value in attrs if name in ("src", "href") and tag != "use"]
        if self.inside:
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.cells[-1] += data.strip()


def read(page: str) -> Cells:
    cells = Cells()
    cells.feed(page)
    return cells


def test_the_page_shows_the_numbers_of_the_records() -> None:
    cells = read(to_html(toy_study())).cells
    start = cells.index("nearer_camera")
    assert cells[start + 1 : start + 3] == ["40", "1.000"]
    assert cells[start + 3].startswith("0.500 [")
    assert cells[start + 4] == "1.000 [1.000, 1.000]"
    assert cells[start + 5].startswith("+0.500 [")


def test_the_page_loads_nothing_from_anywhere() -> None:
    example = Example(
        "data:image/jpeg;base64,AA", "Which <region0>?", "A", [{"arm": "bad", "prediction": "B", "right": False}]
    )
    page = to_html(toy_study(examples=[example]))
    assert all(address.startswith(("data:", "#")) for address in read(page).loads)
    assert "Which &lt;region0&gt;?" in page


def test_an_unfinished_study_says_what_is_missing() -> None:
    study = toy_study(missing=["4d seed 1"])
    assert "4d seed 1" in to_html(study)
    assert "Unfinished: 4d seed 1" in to_markdown(study)


def test_the_terminal_table_fits_eighty_columns() -> None:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(to_terminal(toy_study()))
    text = console.export_text()
    assert "nearer_camera" in text
    assert "…" not in text
    assert "+0.500 [+0." in text


def test_both_files_are_written(tmp_path: Path) -> None:
    write_report(toy_study(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.md"]
