"""Distillation by the command line: files of one's own, and 4D-RGPT on an NVILA-Lite folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import VideoMAEConfig, VideoMAEModel

from distill.teachers import expert
from region4d.configuration.arms import shared_teacher
from region4d.configuration.compose import build, compose_config
from tests.support.clips.footage import write_footage
from tests.support.distillation import VIDEO
from tests.support.folders.l4p_checkout import HOOKS, forget_l4p, write_l4p
from tests.support.folders.nvila_folder import write_nvila
from tests.support.programs.command_line import Run, assert_one_line

RELEASED_FREEZE = "module.freeze=[vision_tower,projector]"
TALK = [[{"question": "What is <region0>?", "answer": "a red thing"}]]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A video, the same again, and a text."""
    write_footage(tmp_path / "clip.mp4", range(0, 800, 40))
    shown = {"video": "clip.mp4", "regions": [{"box": [4, 4, 40, 40]}], "conversations": TALK}
    text = {"conversations": [[{"question": "What is a cube?", "answer": "a solid"}]]}
    path = tmp_path / "my.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in (shown, shown, text)))
    return path


def common(file: Path, *words: str) -> list[str]:
    folder = file.parent
    files = [f"data.files=[{file}]", f"data.targets={folder / 'targets'}", f"output={folder / 'run'}"]
    return [*files, "trainer.max_steps=2", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false", *words]


@pytest.mark.long
def test_a_file_is_distilled_by_one_teacher(region4d: Run, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []
    load = expert.load_expert
    monkeypatch.setattr(expert, "load_expert", lambda folder: loaded.append(folder) or load(folder))
    code, out, err = region4d("train", "experiment=rgpt4d/tiny_annotated", *common(file))
    assert code == 0, err
    said = "distillation: 2 of 3 lines are clips of 6 frames with targets; the others train answers alone: 1 text alone"
    assert said in out.splitlines()
    assert loaded == ["expert4d_tiny"]
    card = (file.parent / "run" / "model" / "README.md").read_text()
    assert "my.jsonl (3 lines)" in card
    assert "latents and signals of teacher" in card


def test_another_teacher_of_the_data_is_not_shared(file: Path) -> None:
    words = ["experiment=rgpt4d/tiny_annotated", f"data.files=[{file}]", "teacher=expert4d_random"]
    config = compose_config("train", words)
    module = build(config.module)
    assert shared_teacher(config, module) == {"teacher": module.teacher}
    config.data.teacher.seed = 1
    assert shared_teacher(config, module) == {}


def test_what_cannot_be_distilled_is_one_line(region4d: Run, file: Path) -> None:
    words = common(file, "experiment=rgpt4d/tiny_annotated")
    assert_one_line(
        region4d("train", *words, "teacher=oracle", "arm=2d_explicit"), "needs the truth", "teacher=expert4d_tiny"
    )
    assert_one_line(region4d("train", *words, "data.frames=4"), "clips of 6 frames", "data.frames=6")
    assert_one_line(region4d("train", "experiment=rgpt4d/tiny_annotated"), "data.files")
    said = region4d("train", f"data.files=[{file}]", "experiment=sr3d/tiny_annotated", "arm=4d")
    assert_one_line(said, "requires a teacher", "tiny_annotated, for files of your own")


@pytest.fixture(scope="module")
def l4p(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The words that choose a fake L4P, of 16 frames of 28 pixels."""
    folder = tmp_path_factory.mktemp("l4p")
    weights = write_l4p(folder)
    yield [
        f"teacher.folder={folder}",
        f"teacher.checkpoint={weights}",
        "+teacher.size=28",
        f"+teacher.hooks={list(HOOKS)}",
    ]
    forget_l4p()


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The words that choose a stock video encoder of 16 frames."""
    folder = tmp_path_factory.mktemp("videomae")
    torch.manual_seed(0)
    fields = {key: value for key, value in VIDEO.items() if key != "model_type"} | {"num_frames": 16}
    VideoMAEModel(VideoMAEConfig(**fields)).save_pretrained(folder)
    return [
        "teacher=stock",
        f"teacher.video={folder}",
        "teacher.hooks=[1,2,3,4]",
        f"teacher.size={VIDEO['image_size']}",
    ]


@pytest.mark.long
@pytest.mark.parametrize(
    ("teacher", "precision", "recipe"),
    [
        ("l4p", "32-true", []),
        ("l4p", "bf16-mixed", ["module.preset=released", "module.decoder=linear", RELEASED_FREEZE]),
        ("stock", "bf16-mixed", ["module.explicit=false"]),  # without depth and flow, there are latents alone
    ],
)
def test_4d_rgpt_trains_on_nvila_lite(
    file: Path, teacher: str, precision: str, recipe: list[str], request: pytest.FixtureRequest
) -> None:
    module, before, losses = fit_nvila(file, [*request.getfixturevalue(teacher), *recipe], precision)
    assert ("loss_flow" in losses) == (teacher == "l4p")
    moved = {name for name, each in module.model.named_parameters() if not torch.equal(each.float(), before[name])}
    frozen = ("vision_tower", "projector") if RELEASED_FREEZE in recipe else ("vision_tower",)
    assert not any(name.startswith(frozen) for name in moved)
    for part in {"projector", "language_model"} - set(frozen):
        trained = {name for name in before if name.startswith(part) and "position" not in name}
        assert trained & moved
        assert all(module.model.get_parameter(name).dtype == torch.float32 for name in trained)
    exported(module, file.parent / "model")


def test_4d_rgpt_trains_an_adapter_of_nvila_lite(file: Path, l4p: list[str]) -> None:
    module, before, _ = fit_nvila(file, [*l4p, "adapter=lora"], "32-true")
    name = "language_model.model.layers.0.self_attn.q_proj"
    adapted = module.model.get_submodule(name)
    assert torch.equal(adapted.get_base_layer().weight, before[f"{name}.weight"])
    assert adapted.lora_B["default"].weight.any()
    assert not torch.equal(exported(module, file.parent / "model")[f"{name}.weight"].float(), before[f"{name}.weight"])


def fit_nvila(file: Path, words: list[str], precision: str) -> tuple[Any, dict[str, Tensor], dict[str, float]]:
    """Train two steps on a folder of NVILA-Lite; return the module, the weights of before, and the losses."""
    words = [f"model.folder={write_nvila(file.parent / 'nvila')}", *words]
    words += [
        "data.workers=0",
        "trainer.logger=false",
        f"trainer.precision={precision}",
        "trainer.callbacks=[]",
        "trainer.enable_checkpointing=false",
    ]
    config = compose_config("train", ["experiment=rgpt4d/nvila_lite", *common(file, *words)])
    assert (config.data.frames, config.module.learning_rate) == (16, 1e-5)
    torch.manual_seed(0)
    module: Any = build(config.module)
    data = build(config.data, **shared_teacher(config, module))
    assert data.targets.teacher is module.teacher
    before = {name: each.detach().float().clone() for name, each in module.model.named_parameters()}
    trainer = build(config.trainer)
    trainer.fit(module, data)
    losses = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("loss_")}
    assert losses.keys() >= {"loss_answers", "loss_latent"}
    assert all(0 < loss < 1e4 for loss in losses.values()), losses
    return module, before, losses


def exported(module: Any, folder: Path) -> dict[str, Tensor]:
    """Export a student, without anything of training, in the dtype of its base; return the weights."""
    module.export(folder)
    weights = load_file(folder / "model.safetensors")
    assert not any("perception" in name or "teacher" in name or "lora" in name for name in weights)
    assert {weight.dtype for weight in weights.values()} == {torch.bfloat16}
    return weights
