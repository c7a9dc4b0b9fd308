"""`region4d regionize`: with tiny random networks of transformers, and a review in a browser."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from benchmarks.regionize.item import Regionized
from region4d.regionizing.command import Settings, run_worlds
from scenes.readers.image_files import write_image
from tests.support.clips.squares import squares
from tests.support.folders.detector_checkpoints import write_grounding_dino, write_owlv2
from tests.support.folders.segmenter_checkpoints import write_sam2
from tests.support.programs.browser import open_browser
from tests.support.programs.command_line import Run, assert_one_line

QUESTIONS = (
    {"id": "a", "video": "squares", "question": "How far is the red square from the green square?", "answer": "2 m"},
    {"id": "b", "video": "squares", "question": "Is it bright?", "answer": "yes"},
    {"id": "c", "video": "gone", "question": "Is the cat black?", "answer": "no"},
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Questions, a video as a folder of pictures, and checkpoints."""
    folder = tmp_path_factory.mktemp("regionize")
    (folder / "videos" / "squares").mkdir(parents=True)
    for k, frame in enumerate(squares().video):
        write_image(folder / "videos" / "squares" / f"{k}.png", frame)
    (folder / "questions.json").write_text(json.dumps(QUESTIONS))
    write_owlv2(folder / "owlv2")
    write_grounding_dino(folder / "grounding_dino")
    write_sam2(folder / "sam2")
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over one procedural world."""
    folder = tmp_path_factory.mktemp("worlds") / "run"
    run_worlds(1, Settings("oracle", "colour", "rule", 0.25, 2), folder, torch.device("cpu"))
    return folder


def words(source: Path, output: Path, detector: str, *more: str) -> list[str]:
    asked = ["regionize", str(source / "questions.json"), str(source / "videos"), "--detector", str(source / detector)]
    return [*asked, "--output", str(output), *more]


def read(output: Path) -> list[Regionized]:
    return [Regionized.from_json(json.loads(line)) for line in (output / "items.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("detector", "tracker"), [("owlv2", "sam2"), ("grounding_dino", "colour")])
def test_questions_are_regionized_by_networks_by_name(
    region4d: Run, source: Path, tmp_path: Path, detector: str, tracker: str
) -> None:
    named = [] if tracker == "colour" else ["--tracker", str(source / tracker)]
    code, out, err = region4d(*words(source, tmp_path / "run", detector, "--threshold", "0", *named))
    assert code == 0, err
    assert "items dropped: no phrase names a thing" in out
    first, second, third = read(tmp_path / "run")
    assert all(each.candidates for each in first.named)  # a random network finds something; which, says nothing
    assert all(each.masks or each.dropped for each in first.named)
    assert (second.dropped, third.dropped) != ("", "")
    held = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert {"items.jsonl", "review.html", "settings.json", "r4d_bench"} <= set(held)
    before = (tmp_path / "run" / "items.jsonl").read_bytes()
    assert region4d(*words(source, tmp_path / "run", detector, "--threshold", "0", *named))[0] == 0
    assert (tmp_path / "run" / "items.jsonl").read_bytes() == before
    assert_one_line(region4d(*words(source, tmp_path / "run", detector, "--threshold", "0.2")), "other settings")


@pytest.mark.long
def test_worlds_are_judged_by_what_is_known_of_them(region4d: Run, world: Path) -> None:
    words = ["--worlds", "1", "--frames", "2", "--detector", "oracle"]
    code, out, err = region4d("regionize", *words, "-o", str(world))  # all is done, and judged again
    assert code == 0, err
    assert "detector oracle" in out
    assert "masks of all" in out
    assert all(item.regions for item in read(world))


def test_a_review_in_a_browser_is_saved_and_applied(region4d: Run, world: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(world, run, symlinks=True)  # moved: its videos are found all the same
    button = "[...document.querySelectorAll('#item-{} button')].find(b => b.innerText == '{}').click()"
    with open_browser(tmp_path / "profile") as browser:
        browser.size(1280, 900)
        browser.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path / "saved"))
        browser.go((run / "review.html").as_uri())
        browser.wait("document.querySelectorAll('article').length", "items")
        for number, decision in enumerate(("Accept", "Drop", "Correct")):
            browser.run(button.format(number, decision))
        browser.run(button.format(2, "Draw a box"))
        browser.drag("#item-2 svg", (0.25, 0.25), (0.5, 0.5), (0.75, 0.75))
        browser.wait("document.querySelector('#item-2').innerText.includes('drawn:')", "the box that was drawn")
        assert "3 of" in browser.run("document.getElementById('count').innerText")
        browser.click("Save decisions")
        browser.go((run / "review.html").as_uri())  # the page remembers what was decided
        browser.wait("document.getElementById('count')?.innerText.startsWith('3 of')", "decisions that stayed")
        for width in (400, 1280):
            browser.size(width, 900)
            browser.wait_fits(width)
        assert browser.hosts == set()
        assert browser.said == []
    (saved,) = (tmp_path / "saved").glob("*.json")
    code, out, err = region4d("regionize", "--review", str(saved), "-o", str(run))
    assert code == 0, err
    assert "1 accept, 1 correct, 1 drop" in out
    with (run / "items.jsonl").open("a") as file:
        file.write("\n")
    assert_one_line(region4d("regionize", "--review", str(saved), "-o", str(run)), "review of other items")
    first, second, third, *_ = read(run / "reviewed")
    assert first == read(world)[0]
    assert second.dropped == "dropped in review"
    assert third.named[0].candidates[-1].box == pytest.approx((64.0, 48.0, 192.0, 144.0), abs=2)


def test_wrong_words_are_one_line(region4d: Run, source: Path, tmp_path: Path) -> None:
    assert_one_line(region4d("regionize", "-o", str(tmp_path / "x")), "give --detector")
    assert_one_line(region4d("regionize", "--detector", "oracle", "-o", str(tmp_path / "x")), "QUESTIONS and VIDEOS")
    assert_one_line(region4d(*words(source, tmp_path / "x", "gone")), "no detector")
    assert_one_line(region4d("regionize", "--review", str(tmp_path / "d.json"), "-o", str(tmp_path)), "no decisions")
    assert_one_line(
        region4d("regionize", "--worlds", "1", "--detector", "oracle", "--tracker", "no/such"), "no segmenter"
    )
    said = ("regionize", "--review", str(tmp_path / "d.json"), "-o", str(tmp_path))
    for words_too in (("--tracker", "colour"), ("--phrases", "rule"), ("--threshold", "0"), ("--frames", "16")):
        assert_one_line(region4d(*said, *words_too), "--review takes --output and --device alone")
    assert not (tmp_path / "x").exists()
