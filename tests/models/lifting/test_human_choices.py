"""Choices of people, as lines of a file and as pairs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from models.lifting.human_choices import HumanChoice, add_choice, image_hash, mask_hash, read_choices

CHOICE = HumanChoice("a.png", 0, "mask_0.png", "12", "34", "56", 25, False, 7, [8, 9], 4.0, "shape")


def test_choices_are_added_line_by_line_and_come_back(tmp_path: Path) -> None:
    nobody = HumanChoice("b.png", 3, "mask_0.png", "1", "3", "5", 4, True, None, [1, 2])
    for choice in (CHOICE, nobody):
        add_choice(tmp_path / "choices.jsonl", choice)
    assert read_choices(tmp_path / "choices.jsonl") == [CHOICE, nobody]


def test_the_chosen_one_wins_against_every_other_and_no_choice_is_no_pair() -> None:
    assert CHOICE.pairs() == [(7, 8), (7, 9)]
    assert HumanChoice("b.png", 0, "", "", "", "", 4, True, None, [1, 2]).pairs() == []


def test_records_without_guidance_and_fit_are_read(tmp_path: Path) -> None:
    old = {name: value for name, value in asdict(CHOICE).items() if name not in ("guidance", "fit")}
    (tmp_path / "choices.jsonl").write_text(json.dumps(old) + "\n")
    (read,) = read_choices(tmp_path / "choices.jsonl")
    assert (read.guidance, read.fit, read.pairs()) == (None, None, CHOICE.pairs())


@pytest.mark.parametrize("line", ["{", "[]", '{"source": "a.png"}', "7"])
def test_a_line_of_another_form_is_named_by_its_number(tmp_path: Path, line: str) -> None:
    add_choice(tmp_path / "choices.jsonl", CHOICE)
    with (tmp_path / "choices.jsonl").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(ValueError, match=r"choices\.jsonl line 2 is not a choice of `region4d lift --choose`"):
        read_choices(tmp_path / "choices.jsonl")


def test_a_hash_is_that_of_the_pixels_whatever_their_layout() -> None:
    image = torch.arange(24, dtype=torch.uint8).reshape(3, 2, 4)
    strided = torch.stack(list(image), -1).permute(2, 0, 1)
    assert not strided.is_contiguous()
    assert image_hash(strided) == image_hash(image)
    assert image_hash(image.flip(0)) != image_hash(image)
    mask = image[0] > 3
    assert mask_hash(mask.T.contiguous().T) == mask_hash(mask)
    assert mask_hash(~mask) != mask_hash(mask)
