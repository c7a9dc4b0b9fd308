"""Where weights lie, of which dtype, and of how many bits; bitsandbytes also computes on a CPU."""

from __future__ import annotations

import operator
from pathlib import Path

import pytest
import torch

from models.queries.query import Query
from models.sr3d.answering import Answerer
from models.sr3d.placement import Placement
from scenes.questions import ask_about, region_of
from scenes.worlds import WorldConfig, make_world, render
from tests.support.folders.nvila_folder import write_nvila


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nvila(tmp_path_factory.mktemp("checkpoint") / "nvila")


def dtypes(answerer: Answerer) -> dict[str, torch.dtype]:
    model = answerer.model
    return {
        "language": model.language_model.model.layers[0].mlp.up_proj.weight.dtype,
        "tower": model.vision_tower.model.encoder.layers[0].mlp.fc1.weight.dtype,
        "projector": next(model.projector.parameters()).dtype,
        "head": model.language_model.lm_head.weight.dtype,
    }


def test_a_dtype_arrives_in_published_and_exported_weights(folder: Path) -> None:
    assert set(dtypes(Answerer.from_folder(folder, "cpu")).values()) == {torch.bfloat16}
    assert set(dtypes(Answerer.from_folder(folder, "cpu", "float32")).values()) == {torch.float32}
    assert Answerer.from_folder("sr3d_tiny_3d", "cpu").model.dtype == torch.float32
    assert Answerer.from_folder("sr3d_tiny_3d", "cpu", "float16").model.dtype == torch.float16


@pytest.mark.parametrize(("bits", "stored"), [(8, torch.int8), (4, torch.uint8)])
@pytest.mark.parametrize("name", ["published", "exported"])
def test_only_the_language_model_is_quantised(folder: Path, name: str, bits: int, stored: torch.dtype) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra quantized")
    model = Answerer.from_folder(folder if name == "published" else "sr3d_tiny_3d", "cpu", bits=bits).model
    quantised = {name for name, weight in model.named_parameters() if weight.dtype == stored}
    linear = {
        f"language_model.{name}.weight"
        for name, part in model.language_model.named_modules()
        if isinstance(part, torch.nn.Linear) and name != "lm_head"
    }
    assert quantised == linear
    assert len(linear) == 7 * model.config.text_config.num_hidden_layers


@pytest.mark.parametrize("bits", [8, 4])
def test_a_quantised_model_answers_nearly_as_its_weights(bits: int) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra quantized")
    clips = render([make_world(seed, WorldConfig(frames=2)) for seed in range(6)], "cpu", ())
    generator = torch.Generator().manual_seed(0)
    queries = [
        Query(clip, [region_of(clip, o) for o in question.objects], question.text)
        for clip in clips
        for question in ask_about(clip, generator, categories=("nearer_camera", "colour", "shape"), total=8)
    ]
    whole = list(Answerer.from_folder("sr3d_tiny_3d", "cpu").answer(queries))
    answers = list(Answerer.from_folder("sr3d_tiny_3d", "cpu", bits=bits).answer(queries))
    agree = sum(map(operator.eq, whole, answers)) / len(queries)
    assert len(set(whole)) > 5
    assert agree > 0.8, agree


def test_auto_spreads_over_what_there_is(folder: Path) -> None:
    model = Answerer.from_folder(folder, "auto").model
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert {weight.device.type for weight in model.parameters()} == {expected}


def test_impossible_placements_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="bits=3: weights have 4 or 8 bits"):
        Placement(bits=3)
    with pytest.raises(ValueError, match="dtype 'int8' is unknown: choose one of float32, bfloat16, float16"):
        Placement(dtype="int8")
    monkeypatch.setattr("models.sr3d.placement.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"weights of 4 bits need bitsandbytes: pip install 'region4d\[quantized\]'"):
        Placement(bits=4)
