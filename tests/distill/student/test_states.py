"""Vision features are those that reach the projector, by clip and frame."""

from __future__ import annotations

import torch

from distill.student.states import frame_states, stacked, watched_features
from scenes.clip import Clip
from tests.support.distillation import build_student
from training.sr3d.questions import RegionQuestions


def test_watched_features_are_those_of_the_tiles_by_row(clips: list[Clip]) -> None:
    model, processor = build_student(position_encoding=False)
    mixed = [clips[0], clips[1].frames([0, 1])]
    questions = RegionQuestions(mixed, processor, categories=("colour",), per_clip=2, seed=0)
    batch = processor.collate([questions[0], questions[1]])
    with torch.no_grad(), watched_features(model) as watched:
        model(**batch)
    model(**batch)
    (features,) = watched  # the second forward was not watched
    rows = frame_states(features, batch["input_ids"], model.config)
    assert [len(row) for row in rows] == [len(clip) for clip in mixed]
    for row, pixels in zip(rows, batch["pixel_values"].split([len(row) for row in rows]), strict=True):
        with torch.no_grad():
            torch.testing.assert_close(row, model.encode_tiles(pixels))
    assert stacked([rows[1], rows[1]]).shape[:2] == (2, 2)
