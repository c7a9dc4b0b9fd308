"""What a task file names: the question for models that see marks, and the score of an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.region_qa.scoring import score_item
from benchmarks.region_qa.tasks.task import Task
from region4d.lmms_eval.documents import (
    doc_to_target,
    doc_to_text,
    doc_to_visual,
    mean_score,
    process_results,
    query_of,
)
from region4d.lmms_eval.visuals import open_visuals


def test_a_model_of_pictures_sees_regions_drawn_and_reads_their_numbers(documents: list[dict[str, Any]]) -> None:
    text = doc_to_text(documents[0])
    assert "the region marked 0" in text
    assert "<region" not in text
    frames = doc_to_visual(documents[0])
    assert len(frames) == 2
    drawn, plain = np.asarray(frames[0]), np.asarray(query_of(documents[0]).clip.video[0].permute(1, 2, 0))
    assert drawn.shape == plain.shape
    assert (drawn != plain).any()


def test_an_answer_has_the_score_that_bench_gives_it(toy: Task, documents: list[dict[str, Any]]) -> None:
    for item, document in zip(toy.items(), documents, strict=True):
        for answer in (doc_to_target(document), "B", "0.5 m", "no idea"):
            (scored,) = process_results(document, [answer]).values()
            assert scored["score"] == score_item("", item, answer, "", 0).score
            assert (scored["item"], scored["clip"]) == (item.name, item.cluster)
            assert scored["category"] == item.question.category
        assert process_results(document, [doc_to_target(document)])["score"]["score"] == 1.0


def test_scores_are_averaged() -> None:
    assert mean_score([{"score": 1.0}, {"score": 0.0}, {"score": 0.5}]) == 0.5


def test_pictures_of_another_task_become_frames_of_the_size_of_the_first() -> None:
    clip = open_visuals([Image.new("RGB", (8, 6), (10, 20, 30)), Image.new("L", (4, 4), 255)], frames=4)
    assert clip.video.shape == (2, 3, 6, 8)
    assert clip.video[0, :, 0, 0].tolist() == [10, 20, 30]
    assert clip.video[1].min() == 255
    assert torch.equal(clip.seconds, torch.tensor([0.0, 1.0]))


@pytest.mark.parametrize("visuals, said", [([], "nothing"), (["a.mp4", "b.mp4"], "str, str"), ([{"bytes": 1}], "dict")])
def test_what_is_neither_video_nor_pictures_is_refused(visuals: list[Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"shows {said}"):
        open_visuals(visuals, frames=4)


def test_a_video_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4"):
        open_visuals([str(tmp_path / "gone.mp4")], frames=4)
