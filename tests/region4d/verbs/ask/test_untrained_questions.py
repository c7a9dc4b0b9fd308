"""`ask` says when the model was not trained on a question, and answers it."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import region4d as library
from models.sr3d.answering import open_processor
from models.sr3d.inputs.processor import SR3DProcessor
from region4d.configuration.compose import compose_config
from scenes.questions import question_templates
from tests.support.programs.command_line import Run, assert_one_line

TRAINED = "How far is <region0> from <region1> at the start?"
REGIONS = ("--region", "0:4,4,20,20", "--region", "1:30,8,50,40")
NEAREST = "Where in the picture is <region0> at the start?"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)).save(path)
    return path


def test_a_question_that_the_model_was_not_trained_on_is_said_to_be_so(region4d: Run, picture: Path) -> None:
    where = ("--picture", str(picture.with_name("answer.png")))
    code, out, err = region4d("ask", str(picture), "Where is <region0>?", *REGIONS[:2], "--no-depth", *where)
    assert code == 0
    assert len(out.splitlines()) == 1
    assert "not trained on this question" in err
    assert NEAREST in err
    words = ("Where is <region0>?", *REGIONS[:2], "--no-depth", "--json", *where)
    _, out, _ = region4d("ask", str(picture), *words)
    assert [NEAREST in note for note in json.loads(out)["notes"] if "not trained" in note] == [True]


def test_a_trained_question_is_not_doubted(region4d: Run, picture: Path) -> None:
    where = ("--picture", str(picture.with_name("answer.png")))
    code, _, err = region4d("ask", str(picture), TRAINED, *REGIONS, "--no-depth", *where)
    assert code == 0
    assert "not trained" not in err


def test_an_unknown_word_is_refused_with_the_nearest_questions(region4d: Run, picture: Path) -> None:
    result = region4d("ask", str(picture), "Where stands <region0>?", *REGIONS[:2], "--no-depth")
    assert_one_line(result, "does not know 'stands'", NEAREST)


def test_the_library_logs_it(picture: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert library.load().ask(picture, "Where is <region0>?", [(4, 4, 20, 20)])
    assert NEAREST in caplog.text


@pytest.mark.parametrize("name", ["sr3d_tiny_3d", "sr3d_tiny_2d"])
def test_a_shipped_checkpoint_keeps_the_questions_of_its_training(name: str) -> None:
    config = compose_config("train", ["experiment=sr3d/tiny_static"])
    assert open_processor(name).trained_questions == question_templates(list(config.data.categories))


def test_the_questions_are_saved_with_the_processor(tmp_path: Path) -> None:
    processor = open_processor("sr3d_tiny_3d")
    processor.trained_questions = {"top": ["How high is the top of <region0>?"]}
    processor.save_pretrained(tmp_path)
    assert SR3DProcessor.from_pretrained(tmp_path).trained_questions == processor.trained_questions
