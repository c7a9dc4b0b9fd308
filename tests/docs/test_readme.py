import re

from tests.support.programs.documents import README, ROOT

TEXT = README.read_text()


def test_the_readme_is_short() -> None:
    assert len(TEXT.splitlines()) <= 170


def test_no_line_of_the_readme_is_wider_than_120_characters() -> None:
    assert [line for line in TEXT.splitlines() if len(line) > 120] == []


def test_no_table_of_the_readme_needs_sideways_scrolling() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("|")]
    assert rows
    assert max(row.count("|") - 1 for row in rows) <= 5  # columns
    assert max(map(len, rows)) <= 120


def test_every_effect_of_the_readme_comes_from_a_report() -> None:
    outside = re.sub(r"<!-- from .*?<!-- end -->", "", TEXT, flags=re.DOTALL)
    assert re.findall(r"[+-]0\.\d+", outside) == []  # effects and intervals


def test_pictures_are_small_enough_for_a_front_page() -> None:
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.stat().st_size < 500_000, picture.name
