"""`region4d convert`: a folder that the Auto classes open, and one clear line for what does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from region4d.verbs.convert import convert
from tests.support.folders.nvila_folder import write_nvila
from tests.support.sr3d import pixels


def test_an_nvila_folder_becomes_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert(tmp_path / "base", nvila=write_nvila(tmp_path / "nvila"))
    assert capsys.readouterr().out.endswith("untrained: region extractor\n")
    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "base")
    assert model.dtype == torch.bfloat16
    batch = AutoProcessor.from_pretrained(tmp_path / "base")(text="What?", images=pixels(0, 1)[0])
    assert model.generate(**batch, max_new_tokens=2).shape[0] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "give --vision and --language, or --nvila"),
        ({"vision": "a"}, "give --vision and --language, or --nvila"),
        ({"vision": "./none", "language": "./none"}, "no './none': give a folder, or the name of a model on the Hub"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(
    tmp_path: Path, arguments: dict[str, str], message: str
) -> None:
    with pytest.raises((ValueError, OSError), match=message):
        convert(tmp_path / "base", **arguments)
    assert not any(tmp_path.iterdir())


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="exists: choose another name"):
        convert(tmp_path, nvila=tmp_path)
