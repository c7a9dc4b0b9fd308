from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.published.scenes.questions import type_of
from benchmarks.region_qa.tasks.task import Task
from region4d.configuration.compose import build, compose_config
from tests.support.published.scenes import SCENE, write_scanqa, write_sqa3d


def made(words: list[str]) -> Task:
    task = build(compose_config("bench", words).task)
    assert isinstance(task, Task)
    return task


def test_the_layout_of_scanqa_is_read(tmp_path: Path) -> None:
    cabinet, _, _ = made(write_scanqa(tmp_path)).items()
    assert cabinet.question.text == "What is behind the door? Answer the question simply."
    assert cabinet.references == ("brown cabinet", "cabinet with tv on it")
    assert (cabinet.name, cabinet.cluster) == (f"val-{SCENE}-0", SCENE)
    clip = cabinet.open().clip
    assert (len(clip), clip.depth is not None, clip.world_T_cam is not None) == (2, True, True)


def test_short_answers_are_matched_exactly_cleaned_and_refined(tmp_path: Path) -> None:
    items = list(made(write_scanqa(tmp_path)).items())
    records = score_items("scanqa", items, ["brown cabinet", "Two.", "light blue"], "arm", 0)
    names = ("score", "clean_match", "refined_match")
    assert [tuple(record.metrics[name] for name in names) for record in records] == [(1, 1, 1), (0, 1, 1), (0, 0, 1)]
    wrong = score_items("scanqa", items, ["door", "", "red"], "arm", 0)
    assert [tuple(record.metrics[name] for name in names) for record in wrong] == [(0, 0, 0)] * 3
    assert [record.reason for record in wrong] == ["", "empty answer", ""]


def test_all_answers_are_scored_together(tmp_path: Path) -> None:
    task = made(write_scanqa(tmp_path))
    records = score_items("scanqa", list(task.items()), ["brown cabinet.", "two", "blue"], "arm", 0)
    scores = task.corpus_scores(records)
    assert scores["BLEU-1"].value == pytest.approx(1.0)
    assert scores["ROUGE-L"].value == pytest.approx(1.0)
    assert scores["CIDEr"].estimate is not None
    meteor = scores["METEOR"]
    assert meteor.value is not None or meteor.why_not.startswith("needs Java and pycocoevalcap")


def test_the_two_files_of_sqa3d_are_joined(tmp_path: Path) -> None:
    items = list(made(write_sqa3d(tmp_path)).items())
    assert items[0].question.text == (
        "I stand by the wall. What is on my left? Answer the question using a single word or phrase."
    )
    assert [item.question.category for item in items] == ["what", "can", "others"]
    records = score_items("sqa3d", items, ["a table", "No", "door"], "arm", 0)
    assert [record.score for record in records] == [1.0, 0.0, 1.0]
    assert [record.metrics["exact_match"] for record in records] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("question", "kind"), [("Is it?", "is"), ("isn't it?", "is"), (" Which one?", "which"), ("Where?", "others")]
)
def test_a_question_of_sqa3d_has_the_type_of_its_first_letters(question: str, kind: str) -> None:
    assert type_of(question) == kind


def test_what_is_not_in_the_layout_is_refused(tmp_path: Path) -> None:
    words = write_sqa3d(tmp_path)
    path = tmp_path / "v1_balanced_sqa_annotations_test_scannetv2.json"
    path.write_text(json.dumps({"annotations": []}))
    with pytest.raises(ValueError, match="has no answer to question 0"):
        list(made(words).items())
    path.write_text("[]")
    with pytest.raises(ValueError, match="has no list 'annotations'"):
        list(made(words).items())
    with pytest.raises(ValueError, match="tokenizer=moses is unknown: choose one of blanks, ptb"):
        made([*words, "task.tokenizer=moses"])


def test_a_missing_scan_is_refused(tmp_path: Path) -> None:
    item = next(iter(made([*write_scanqa(tmp_path), "task.scenes=nowhere"]).items()))
    with pytest.raises(FileNotFoundError, match=f"no scan nowhere/{SCENE}, nor {SCENE}.mp4"):
        item.open()
