from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.region_qa.report import report_page, to_terminal
from benchmarks.region_qa.study import Endpoint, Example, TaskResult
from tests.support.studies import numeric, toy_probes, toy_records, toy_study


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
    cells = read(report_page(toy_study()).html()).cells
    start = cells.index("nearer_camera")
    assert cells[start + 1 : start + 4] == ["R4D SR", "40", "1.000"]
    assert cells[start + 4 : start + 6] == ["0.500", "1.000"]
    difference = cells.index("nearer_camera", start + 1)
    assert cells[difference + 1].startswith("+0.500 [")
    interval = cells.index("nearer_camera", difference + 1)
    assert cells[interval + 1].startswith("0.500 [")
    assert cells[interval + 2] == "1.000 [1.000, 1.000]"


def test_the_page_loads_nothing_from_anywhere() -> None:
    said = [{"arm": "bad", "prediction": "B", "right": False}]
    example = Example("data:image/jpeg;base64,AA", "Which <region0>?", "A", said, "region4d records card RUNS ITEM")
    page = report_page(toy_study(examples=[example])).html()
    assert all(address.startswith(("data:", "#")) for address in read(page).loads)
    assert "Which &lt;region0&gt;?" in page
    assert "<code>region4d records card RUNS ITEM</code>" in page


def test_an_unfinished_study_says_what_is_missing() -> None:
    study = toy_study(missing=["4d seed 1"])
    assert "4d seed 1" in report_page(study).html()
    assert "Unfinished: 4d seed 1" in report_page(study).markdown()


@pytest.mark.parametrize("arms", [("good", "3d_tpe", "3d", "2d"), ("good", *(f"a_long_name_{k}" for k in range(9)))])
def test_the_terminal_table_fits_eighty_columns(arms: tuple[str, ...]) -> None:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    contrasts = [("good", arms[-1]), (arms[1], arms[2]), ("good", arms[2])]
    console.print(to_terminal(toy_study(tasks=[TaskResult("toy", "", toy_records(arms=arms))], contrasts=contrasts)))
    text = console.export_text()
    assert text.count("nearer_camera") == (1 if len(arms) == 4 else 2)
    assert "…" not in text
    assert "+0.500*" in text


def test_page_table_and_figure_are_written(tmp_path: Path) -> None:
    report_page(toy_study()).write(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["figure.svg", "report.html", "report.md"]
    assert (tmp_path / "figure.svg").read_text().startswith("<svg ")


def test_a_primary_endpoint_stands_on_top_with_its_p_value() -> None:
    study = toy_study(
        primary=[Endpoint("toy", "distance", ("good", "bad"))],
        question="Does it help?",
        legend={"good": "always right"},
    )
    page = report_page(study).markdown()
    assert "## Primary endpoints" in page
    (line,) = [line for line in page.splitlines() if line.startswith("| good - bad | distance | toy |")]
    assert "**+0.500 [" in line
    assert "**Question.** Does it help?" in page
    assert "**Finding.** good scores higher than bad in distance (+0.500 [" in page
    assert "- **good**: always right" in page


def test_no_table_is_wider_than_a_screen() -> None:
    arms = [f"arm_with_a_long_name_{k}" for k in range(12)]
    records = [r for arm in arms for r in toy_records(arms=(arm,))]
    contrasts = [(arm, arms[0]) for arm in arms[1:]]
    page = report_page(toy_study(tasks=[TaskResult("toy", "", records)], contrasts=contrasts)).markdown()
    assert max(len(line) for line in page.splitlines() if line.startswith("|")) <= 110
    assert all(page.count(f"| {arm} |") + page.count(f"| {arm}\n") for arm in arms)


def test_an_endpoint_of_an_arm_that_is_not_finished_is_left_out() -> None:
    page = report_page(
        toy_study(primary=[Endpoint("toy", "distance", ("best", "bad"))], contrasts=[("best", "bad")])
    ).markdown()
    assert "Primary endpoints" not in page


def test_probes_are_compared_arm_by_arm() -> None:
    page = report_page(
        toy_study(probes={"good": [toy_probes("good", 0.2)], "bad": [toy_probes("bad", 0.6)]})
    ).markdown()
    assert "| good | 0.800 [0.800, 0.800] |" in page
    assert "| good - bad | **+0.400 [+0.400, +0.400]** |" in page
    assert "| depth | bad | 0.100 | 0.400 |" in page  # by layer


def test_crossed_arms_get_their_factorial() -> None:
    arms = [record for arm in ("none", "time", "taught", "all") for record in toy_records(arms=(arm,))]
    study = toy_study(
        tasks=[TaskResult("toy", "", arms)],
        contrasts=[],
        primary=[Endpoint("toy", "distance", ("all", "time"))],
        factorials={"teacher x time": (("none", "time"), ("taught", "all"))},
    )
    page = report_page(study).markdown()
    assert "| teacher x time | teacher | time | interaction |" in page
    assert "| distance | +0.000 [+0.000, +0.000] |" in page


def test_a_gain_is_shown_as_a_share_of_another() -> None:
    arms = [record for arm in ("none", "taught", "map") for record in toy_records(arms=(arm,))]
    right = {"none": 2, "taught": 3, "map": 6}  # clips of eight
    arms = [replace(r, metrics={"score": float(int(r.cluster[5:]) % 8 < right[r.arm])}) for r in arms]
    shares = [(("taught", "none"), ("map", "none")), (("taught", "none"), ("none", "map"))]
    tasks = [TaskResult("toy", "", arms)]
    page = report_page(toy_study(tasks=tasks, contrasts=[], recovered=shares)).markdown()
    assert "| category | (taught - none) / (map - none) | (taught - none) / (none - map) |" in page
    (row,) = [line for line in page.split("## Recovered gains")[1].splitlines() if line.startswith("| distance | 0.2")]
    assert row.startswith("| distance | 0.250 [")
    assert row.endswith("] |  |")  # a loss is no gain
    unfinished = [(("taught", "none"), ("later", "none"))]
    assert "Recovered" not in report_page(toy_study(tasks=tasks, contrasts=[], recovered=unfinished)).markdown()


def test_a_task_with_scaled_seconds_is_shown_by_its_ratios_alone() -> None:
    true = [numeric("time", n, "speed", 1.0, 1.0) for n in range(9)]
    fast = [replace(record, task="fast", parsed=2.0) for record in true]
    page = report_page(
        toy_study(tasks=[TaskResult("toy", "", true), TaskResult("fast", "", fast, 0.5)], contrasts=[])
    ).markdown()
    assert "| time | speed | 0.5 |  | 2 | 2.00 [2.00, 2.00] | 9 |" in page
    assert "Accuracy: fast" not in page


def test_pictured_categories_make_the_figure_one_of_differences() -> None:
    figure = report_page(toy_study(pictured=["distance"])).figure
    assert ">good - bad<" in figure
    assert "difference in accuracy" in figure
    assert "best constant answer" not in figure
    with pytest.raises(ValueError, match="distanse cannot be pictured: the categories of toy are "):
        report_page(toy_study(pictured=["distanse"]))


def test_a_test_set_of_many_durations_has_a_curve_as_its_figure() -> None:
    records = [
        numeric(arm, n, category, 0.1 * 1.2**n, 0.1 * 1.2**n)
        for arm in ("bad", "good")
        for n in range(24)
        for category in ("elapsed", "speed")
    ]
    page = report_page(toy_study(tasks=[TaskResult("toy", "", records)]))
    assert "duration of the clip" in page.figure
    assert "## Accuracy by duration: toy" in page.markdown()
    assert "duration" not in report_page(toy_study()).markdown()
