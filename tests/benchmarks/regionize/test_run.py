"""A folder of items: resumed item by item, and exported in both layouts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.regionize.item import VideoQuestion
from benchmarks.regionize.outputs import export_items
from benchmarks.regionize.phrases import phrases_by_rule
from benchmarks.regionize.pipeline import Steps, regionize
from benchmarks.regionize.run import ITEMS, begin, counts, regionize_all
from models.segmenters import ColourSegmenter
from region4d.configuration.compose import build, compose_config
from scenes.clip import Clip
from scenes.readers.image_files import write_image
from tests.benchmarks.regionize.conftest import ASKED, Finder
from tests.support.clips.squares import squares
from training.annotations.files import AnnotationFile
from training.annotations.media import open_annotation

QUESTIONS = [ASKED, replace(ASKED, name="q1", question="Is it?"), replace(ASKED, name="q2", video="gone")]


def opened(asked: VideoQuestion) -> Clip:
    if asked.video == "gone":
        raise FileNotFoundError("no such file: gone")
    return squares()


def run(folder: Path, finder: Finder, questions: list[VideoQuestion]) -> list[str]:
    done, _ = begin(folder, {"detector": "finder"})
    steps = Steps(phrases_by_rule, finder, ColourSegmenter())
    return [item.dropped for item in regionize_all(questions, opened, steps, folder, done)]


def test_a_stopped_run_goes_on_with_what_is_missing(tmp_path: Path, finder: Finder) -> None:
    whole = run(tmp_path / "whole", finder, QUESTIONS)
    assert whole == ["", "no phrase names a thing", "no such file: gone"]
    run(tmp_path / "cut", finder, QUESTIONS[:2])
    path = tmp_path / "cut" / ITEMS
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:30])  # killed while it wrote
    before = len(finder.asked)
    assert run(tmp_path / "cut", finder, QUESTIONS) == whole
    assert len(finder.asked) == before  # the finished question was not looked for again
    assert path.read_bytes() == (tmp_path / "whole" / ITEMS).read_bytes()


def test_a_video_that_could_not_be_read_is_tried_again(tmp_path: Path, finder: Finder) -> None:
    run(tmp_path, finder, QUESTIONS)
    done, unread = begin(tmp_path, {"detector": "finder"})
    assert (sorted(done), unread) == (["q/0", "q1"], 1)
    back = replace(QUESTIONS[2], video="a")
    steps = Steps(phrases_by_rule, finder, ColourSegmenter())
    *_, again = regionize_all([*QUESTIONS[:2], back], opened, steps, tmp_path, done)
    assert again.regions
    assert begin(tmp_path, {"detector": "finder"})[0]["q2"] == again


def test_a_question_with_a_line_separator_is_read_again(tmp_path: Path, finder: Finder) -> None:
    asked = replace(ASKED, question="Is the red square\u2028above the green square?")
    run(tmp_path, finder, [asked])
    assert begin(tmp_path, {"detector": "finder"})[0]["q/0"].asked == asked


@pytest.mark.parametrize("line", ["{}", "[1]", '{"asked": 3}', "{", "[" * 100_000, "\xff"])
def test_a_damaged_line_is_named(tmp_path: Path, finder: Finder, line: str) -> None:
    run(tmp_path, finder, [ASKED])
    with (tmp_path / ITEMS).open("ab") as file:
        file.write(line.encode("latin-1") + b"\n")
    with pytest.raises(ValueError, match=f"{ITEMS} (line 2 is not (JSON|a regionized)|is not text)"):
        begin(tmp_path, {"detector": "finder"})


def test_a_folder_in_place_of_the_link_is_refused_and_the_link_moves_with_the_run(tmp_path: Path) -> None:
    (tmp_path / "run" / "worlds").mkdir(parents=True)
    (tmp_path / "run" / "worlds" / "a.mp4").touch()
    for folder in (tmp_path / "run", tmp_path / "run" / "reviewed"):
        export_items([], opened, tmp_path / "run" / "worlds", folder, tmp_path / "run")
    (tmp_path / "run").rename(tmp_path / "moved")
    for part in ("r4d_bench", "reviewed/r4d_bench"):
        assert (tmp_path / "moved" / part / "videos" / "a.mp4").is_file()
    (tmp_path / "own" / "r4d_bench" / "videos").mkdir(parents=True)
    with pytest.raises(ValueError, match="is not a link to videos"):
        export_items([], opened, tmp_path, tmp_path / "own", tmp_path / "own")


def test_a_folder_of_other_settings_is_refused(tmp_path: Path, finder: Finder) -> None:
    run(tmp_path, finder, QUESTIONS[:1])
    with pytest.raises(ValueError, match="holds items of other settings"):
        begin(tmp_path, {"detector": "another"})


def test_what_becomes_of_items_and_phrases_is_counted(tmp_path: Path, finder: Finder) -> None:
    begin(tmp_path, {})
    items = list(regionize_all(QUESTIONS, opened, Steps(phrases_by_rule, finder, ColourSegmenter()), tmp_path, {}))
    assert counts(items) == {
        "items with regions": 1,
        "phrases with a region": 2,
        "items dropped: no phrase names a thing": 1,
        "items dropped: no such file": 1,
    }


def test_both_layouts_hold_the_regions(tmp_path: Path, finder: Finder) -> None:
    clip = squares()
    (tmp_path / "videos" / "a").mkdir(parents=True)
    for k in range(3):
        write_image(tmp_path / "videos" / "a" / f"{k}.png", clip.video[k])
    asked = replace(ASKED, answer="E", options=("1 m", "2 m", "3 m", "4 m", "5 m"))
    begin(tmp_path / "run", {})
    steps = Steps(phrases_by_rule, finder, ColourSegmenter())
    items = list(regionize_all([asked, QUESTIONS[1]], opened, steps, tmp_path / "run", {}))
    done = export_items(items, opened, tmp_path / "videos", tmp_path / "run", tmp_path / "run")
    assert (done.items, done.annotations, done.r4d) == (1, 1, 1)
    file = AnnotationFile(tmp_path / "run" / "annotations.jsonl")
    read, regions = open_annotation(file[0], tmp_path, frames=1)
    assert read is not None
    assert bool((read.video == clip.video).all())
    assert [int(region.masks[0].sum()) for region in regions] == [144, 256]
    assert (
        file[0].conversations[0][0].question
        == "How far is <region0> from <region1>?\n(A) 1 m\n(B) 2 m\n(C) 3 m\n(D) 4 m\n(E) 5 m"
    )
    folder = tmp_path / "run" / "r4d_bench"
    (row,) = json.loads((folder / "test.json").read_text())
    assert row["question"] == "How far is <obj_1> from <obj_2>?"
    assert (row["answer"], row["options"][:2]) == ("5 m", ["1 m", "2 m"])
    assert row["video"] == "videos/a"
    assert (folder / row["video"] / "0.png").is_file()
    with Image.open(folder / row["som_image"]) as picture:
        assert picture.getpixel((2, 2)) == (110, 110, 110)
    (held,) = json.loads((folder / "regions.json").read_text())
    assert held["id"] == row["id"]
    assert held["regions"][0]["segmentation"]["size"] == [48, 64]
    words = [f"task.folder={folder}", "task.marks=regions", "task.regions=regions.json", "task.frames=3"]
    (asked_again,) = build(compose_config("bench", ["task=published/r4d_bench", *words]).task).items()
    assert asked_again.question.answer == "E"
    assert [int(region.masks[0].sum()) for region in asked_again.open().regions] == [144, 256]


def test_what_r4d_bench_cannot_hold_is_counted(tmp_path: Path, finder: Finder) -> None:
    two = {"answer": "B", "options": ("1 m", "2 m")}
    questions = [ASKED, replace(ASKED, name="1", **two), replace(ASKED, name="2", answer="A", options=("1 m", "1 M"))]
    items = [regionize(asked, squares(), Steps(phrases_by_rule, finder, ColourSegmenter())) for asked in questions]
    later = tuple(replace(each, masks={1: each.masks[1]}) for each in items[1].named)
    items.append(replace(items[1], named=later))
    (tmp_path / "a").mkdir()
    write_image(tmp_path / "a" / "0.png", squares().video[0])
    done = export_items(items, opened, tmp_path, tmp_path / "run", tmp_path / "run")
    assert (done.items, done.r4d) == (4, 1)
    assert done.left_out == {
        "r4d_bench: no options": 1,
        "r4d_bench: two options have the text of the answer": 1,
        "r4d_bench: a region is not in the first frame": 1,
    }
