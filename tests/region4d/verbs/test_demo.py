"""`region4d demo`: answers with their truth, pictures that the index names, and nothing half."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from region4d.demo import lifting, probing
from region4d.demo.section import Answer, Section, to_html
from tests.support.programs.command_line import Run, assert_one_line


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take fewer worlds than the demo does."""
    monkeypatch.setattr(probing, "FITTED", 12)
    monkeypatch.setattr(probing, "TESTED", 4)


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_all_four_systems_answer_with_the_truth_beside(region4d: Run, tmp_path: Path) -> None:
    pytest.importorskip("open3d")
    folder = tmp_path / "demo"
    code, out, err = region4d("demo", "-o", str(folder), "--json")
    assert code == 0, err
    facts = json.loads(out)
    titles = [section["title"] for section in facts["sections"]]
    assert [
        word in title for title, word in zip(titles[1:], ("SR-3D", "4D-RGPT", "SAM 3D", "VidFM3D"), strict=True)
    ] == [True] * 4
    assert all(section["answers"] for section in facts["sections"][1:])
    assert [line[:4] for line in err.splitlines()[:5]] == [f"{k}/5 " for k in range(1, 6)]
    index = (folder / "index.html").read_text()
    named = re.findall(r'<a href="([^"]+)"', index)
    assert sorted(named) == sorted(picture for section in facts["sections"] for picture in section["pictures"])
    for name in named:
        assert (folder / name).is_file()
        if name.endswith(".png"):
            Image.open(folder / name).verify()
    assert "http" not in index
    lifted = {each["asked"]: each for each in facts["sections"][3]["answers"]}
    (where,) = (each for asked, each in lifted.items() if asked.startswith("Where"))
    centre, truth = ([float(number) for number in re.findall(r"-?\d+\.\d+", where[key])] for key in ("answer", "truth"))
    assert (
        max(abs(a - b) for a, b in zip(centre, truth, strict=True)) < 0.2
    )  # metres; a lift that has no pose is off by 2


def test_a_folder_that_exists_is_refused(region4d: Run, tmp_path: Path) -> None:
    assert_one_line(region4d("demo", "-o", str(tmp_path)), str(tmp_path), "exists")


def test_a_wrong_flag_is_one_line(region4d: Run) -> None:
    assert_one_line(region4d("demo", "--seed", "-1"), "--seed", "region4d demo --help")


@pytest.mark.long
def test_a_demo_that_fails_in_the_middle_leaves_nothing(
    region4d: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("open3d")

    def fail(*_: object) -> Section:
        raise ValueError("the lift failed")

    monkeypatch.setattr(lifting, "show_lifting", fail)
    code, out, err = region4d("demo", "-o", str(tmp_path / "demo"))
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "region4d: the lift failed"
    assert list(tmp_path.iterdir()) == []


def test_the_index_shows_text_as_text() -> None:
    answer = Answer("How far is <region0>?", "3D", "1.0 m", "truth: <b>1.1 m</b>")
    page = to_html([Section("A & B", "about", [answer], ["a.png"])])
    assert "How far is &lt;region0&gt;?" in page
    assert "<b>" not in page
    assert '<img src="a.png"' in page
