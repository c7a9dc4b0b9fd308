"""Choosing among candidates: what cannot be chosen is refused, and what was chosen is recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from benchmarks.records.manifest import checkpoint_hash
from models.lifting import Sampling
from models.lifting.human_choices import image_hash, mask_hash, read_choices
from region4d.lifting.candidates import check_choice, record_choice
from region4d.lifting.input import LiftInput


@pytest.fixture
def given() -> LiftInput:
    image = torch.arange(48, dtype=torch.uint8).reshape(3, 4, 4)
    return LiftInput(Path("photo.png"), 2, image, [image[0] > 5], torch.eye(3), None, None, [])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    save_file({"weight": torch.ones(2)}, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize(
    ("choose", "choice", "objects", "said"),
    [
        (2, 3, 1, "--choice 3 needs 3 candidates; use --choose 3 or more"),
        (0, 1, 1, "--choice 1 needs 1 candidates"),
        (2, 1, 2, "--choose compares candidates of one object, got 2"),
        (2, None, 1, "--choose needs an interactive terminal"),
    ],
)
def test_a_choice_that_cannot_be_made_is_refused(
    monkeypatch: pytest.MonkeyPatch, choose: int, choice: int | None, objects: int, said: str
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(ValueError, match=said):
        check_choice(choose, choice, objects)


@pytest.mark.parametrize(("choose", "choice", "objects"), [(0, None, 3), (2, 2, 1), (2, 0, 1)])
def test_a_choice_without_a_question_needs_no_terminal(
    monkeypatch: pytest.MonkeyPatch, choose: int, choice: int | None, objects: int
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    check_choice(choose, choice, objects)


@pytest.mark.parametrize(("choice", "pairs"), [(2, [(11, 10), (11, 12)]), (0, [])])
def test_a_choice_is_recorded_with_all_that_makes_the_candidates_again(
    given: LiftInput, model: Path, tmp_path: Path, choice: int, pairs: list[tuple[int, int]]
) -> None:
    record_choice(tmp_path, given, model, Sampling(steps=3, fit="pose"), [10, 11, 12], choice)
    (made,) = read_choices(tmp_path / "choices.jsonl")
    assert made.pairs() == pairs
    assert (made.frame, made.steps, made.fit, made.shortcut) == (2, 3, "pose", False)
    assert made.source == str(Path("photo.png").resolve())
    assert made.image_sha256 == image_hash(given.image)
    assert made.mask_sha256 == mask_hash(given.masks[0])
    assert made.model_sha256 == checkpoint_hash(model)
