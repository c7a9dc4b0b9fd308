"""Models of transformers: what they are shown, and that a batch answers as each question alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.answerers.image_text import ImageTextModel, pictures
from models.answerers.names import check_way, open_answers, ways_of
from models.queries.pointing import Pointing
from models.queries.query import Query
from models.regions import Region
from scenes.clip import Clip
from tests.support.image_text_models import FAMILIES, write_image_text_model

REGION = Region.from_box((4, 4, 20, 20), 48, 64)


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_image_text_model(request.param, tmp_path_factory.mktemp("model"))


def clip(frames: int, seed: int) -> Clip:
    generator = torch.Generator().manual_seed(seed)
    video = torch.randint(0, 256, (frames, 3, 48, 64), generator=generator, dtype=torch.uint8)
    return Clip(video, torch.arange(frames).float())


CLIP = clip(3, 1)
QUERIES = [
    Query(clip(1, 0), [], "which is nearer ?"),
    Query(CLIP, [REGION], "how far is <region0> ?"),
    Query(clip(2, 2), [], "what is red ?"),
]


def test_a_batch_answers_as_each_question_alone(folder: Path) -> None:
    model = open_answers(folder, "cpu")
    assert isinstance(model, ImageTextModel)
    together = list(model.answer(QUERIES, max_new_tokens=6))
    alone = [answer for query in QUERIES for answer in model.answer([query], max_new_tokens=6)]
    assert together == alone
    assert any(together)


def test_pictures_change_what_a_model_says_and_without_them_it_reads_the_question_alone(folder: Path) -> None:
    def says(model: ImageTextModel, seed: int) -> str:
        (answer,) = model.answer([Query(clip(1, seed), [], "what is red ?")], max_new_tokens=12)
        return answer

    sees, blind = ImageTextModel.from_folder(folder, "cpu"), open_answers(f"text:{folder}", "cpu")
    assert isinstance(blind, ImageTextModel)
    assert len({says(sees, seed) for seed in range(6)}) > 1
    assert len({says(blind, seed) for seed in range(6)}) == 1


@pytest.mark.parametrize("way", ["marks", "text", "crop"])
def test_a_model_takes_every_way_of_pointing_that_needs_no_region_tokens(folder: Path, way: str) -> None:
    model = ImageTextModel.from_folder(folder, "cpu")
    pointed = [Pointing(way).apply(query) for query in QUERIES]
    assert len(pictures(pointed[1])) == 3 + (way == "crop")
    assert "how far is the region" in model._prompt(pointed[1], 3)
    assert len(list(model.answer(pointed, max_new_tokens=4))) == 3
    assert way in ways_of(folder)
    with pytest.raises(ValueError, match=r"has no trained region tokens; choose one of marks, text, crop"):
        check_way(folder, "tokens")


def test_a_question_that_is_longer_than_the_model_reads_is_refused(folder: Path) -> None:
    model = ImageTextModel.from_folder(folder, "cpu")
    longest = model.model.config.get_text_config().max_position_embeddings
    with pytest.raises(ValueError, match=f"and the model reads {longest:,}: use fewer words or fewer frames"):
        next(model.answer([replace(QUERIES[0], text="red " * longest)]))


def test_by_default_regions_are_drawn_on_every_frame_that_marks_them(folder: Path) -> None:
    model = ImageTextModel.from_folder(folder, "cpu")
    tracked = Query(CLIP, [Region(dict.fromkeys(range(3), REGION.masks[0]))], "how far is <region0> ?")
    drawn, plain = pictures(model._marks.apply(tracked)), pictures(tracked)
    assert all((np.asarray(a) != np.asarray(b)).any() for a, b in zip(drawn, plain, strict=True))
    assert list(model.answer([tracked], max_new_tokens=4)) == list(
        model.answer([Pointing("tracks").apply(tracked)], max_new_tokens=4)
    )


def test_a_model_that_reads_no_pictures_says_how_to_ask_it(tmp_path: Path) -> None:
    from transformers import Qwen2Config

    Qwen2Config().save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"reads no pictures: write text:"):
        open_answers(tmp_path, "cpu")
