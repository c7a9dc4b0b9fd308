"""LoRA and QLoRA: what moves, what is written, and what is refused."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from peft import PeftModel
from safetensors.torch import load_file
from torch import Tensor, nn

from models.sr3d import SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.bases.exported import load_exported_model
from models.sr3d.bases.nvila import load_nvila_lite
from scenes.worlds import WorldConfig
from tests.support.folders.nvila_folder import write_nvila
from training.sr3d.adapters import LoRA
from training.sr3d.finetuning import SupervisedFineTuning, WorldQuestions

pytestmark = pytest.mark.long  # the fixture
Base = tuple[SR3DForConditionalGeneration, SR3DProcessor]
DECLARED = ("projector.", "region_extractor.", "position_encoding.", "camera_projector.", "camera_token.")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return load_nvila_lite(write_nvila(tmp_path_factory.mktemp("base") / "nvila"))  # in bfloat16


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stores")


def module_of(base: Base, adapter: LoRA, dtype: torch.dtype) -> SupervisedFineTuning:
    torch.manual_seed(0)
    model = copy.deepcopy(base[0]).to(dtype)
    return SupervisedFineTuning(
        model=model, processor=base[1], learning_rate=1e-2, freeze=["vision_tower"], adapter=adapter
    )


def data_of(base: Base, stores: Path) -> WorldQuestions:
    return WorldQuestions(
        processor=base[1], world=WorldConfig(height=64, width=64, frames=2), seeds=(0, 4), batch_size=2, seed=0,
        categories=["distance", "nearer_camera"], questions_per_clip=3, stores=str(stores),
    )  # fmt: skip


def trainer_of(folder: Path, precision: Any = "bf16-mixed", steps: int = 4, **options: Any) -> Trainer:
    options = {"enable_checkpointing": False, **options}
    return Trainer(
        max_steps=steps, precision=precision, accelerator="cpu", logger=False, enable_progress_bar=False,
        enable_model_summary=False, use_distributed_sampler=False, gradient_clip_val=1.0, default_root_dir=folder,
        **options,
    )  # fmt: skip


@dataclass
class Trained:
    """A training that has ended: weights before it, and what the adapters computed before they were merged."""

    before: Mapping[str, Tensor]
    batch: Mapping[str, Tensor]
    deltas: Mapping[str, Tensor]
    loss: float
    folder: Path


def train(base: Base, adapter: LoRA, stores: Path, folder: Path, precision: Any, dtype: torch.dtype) -> Trained:
    module, data, trainer = module_of(base, adapter, dtype), data_of(base, stores), trainer_of(stores, precision)
    before = {name: weight.detach().clone() for name, weight in module.model.named_parameters()}
    trainer.fit(module, data)
    samples = data.dataset()
    batch = base[1].collate([samples[0], samples[1]])
    loss = float("nan") if adapter.base else loss_of(module.model, batch)  # small 4-bit layers do not run on a CPU
    deltas = {
        name: part.get_delta_weight("default").detach()
        for name, part in module.model.named_modules()
        if hasattr(part, "lora_A")
    }
    module.export(folder)
    return Trained(before, batch, deltas, loss, folder)


def loss_of(model: Any, batch: Mapping[str, Tensor]) -> float:
    with torch.no_grad():
        return float(model.eval()(**batch).loss)


@pytest.fixture(scope="module")
def whole(base: Base, stores: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """LoRA in float32, where merging is exact to rounding."""
    folder = tmp_path_factory.mktemp("whole") / "model"
    return train(base, LoRA(rank=2, dropout=0.1, save_adapter=True), stores, folder, "32-true", torch.float32)


@pytest.fixture(scope="module")
def small(base: Base, stores: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """QLoRA of a base in bfloat16."""
    pytest.importorskip("bitsandbytes", reason="needs the extra quantized")
    folder = tmp_path_factory.mktemp("small") / "model"
    return train(base, LoRA(rank=2, quantized=True), stores, folder, "bf16-mixed", torch.bfloat16)


def attached(base: Base, adapter: LoRA, stores: Path) -> SupervisedFineTuning:
    module = module_of(base, adapter, torch.bfloat16)
    module.trainer = trainer_of(stores)
    module.setup("fit")
    return module


def test_only_adapters_and_declared_modules_are_trained(base: Base, stores: Path) -> None:
    module = attached(base, LoRA(rank=2), stores)
    optimised = {id(each) for group in module.trained_parameters() for each in group["params"]}
    for name, weight in module.model.named_parameters():
        trained = "lora_" in name or name.startswith(DECLARED)
        assert weight.requires_grad == (id(weight) in optimised) == trained, name
        assert weight.dtype == (torch.float32 if trained else torch.bfloat16), name  # no float32 copy of the base
    layers = {name for name, part in module.model.language_model.named_modules() if hasattr(part, "lora_A")}
    assert len(layers) == 7 * module.model.config.text_config.num_hidden_layers  # not the head


def test_the_export_computes_what_the_adapted_model_computed(base: Base, whole: Trained) -> None:
    model = load_exported_model(whole.folder)
    assert loss_of(model, whole.batch) == pytest.approx(whole.loss, rel=1e-5)  # sums of another order
    assert loss_of(base[0].float(), whole.batch) != pytest.approx(whole.loss, rel=1e-3)
    weights = dict(model.named_parameters())
    assert weights.keys() == whole.before.keys()
    for name, before in whole.before.items():
        adapted = name.startswith("language_model.model.layers.") and name.endswith("proj.weight")
        moved = not torch.equal(weights[name], before)
        assert moved == (adapted or name.startswith(DECLARED)), name


def test_the_adapter_alone_fits_on_the_base(base: Base, whole: Trained) -> None:
    model = copy.deepcopy(base[0]).float()
    others = load_file(whole.folder / "adapter" / "other_weights.safetensors")
    assert not model.load_state_dict(others, strict=False).unexpected_keys
    model.language_model = PeftModel.from_pretrained(model.language_model, whole.folder / "adapter").base_model.model
    assert loss_of(model, whole.batch) == pytest.approx(whole.loss, rel=1e-6)


def test_the_base_of_qlora_has_four_bits(base: Base, stores: Path) -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes", reason="needs the extra quantized")
    model = attached(base, LoRA(rank=2, targets=["q_proj"], quantized=True), stores).model
    kinds = {
        name.rpartition(".")[2]: part.weight.dtype
        for name, part in model.language_model.named_modules()
        if isinstance(part, bitsandbytes.nn.Linear4bit)
    }
    assert kinds.keys() == {"base_layer", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    assert set(kinds.values()) == {torch.uint8}
    assert model.get_output_embeddings().weight.dtype == torch.bfloat16


def test_qlora_is_merged_into_the_weights_before_quantisation(small: Trained) -> None:
    model = load_exported_model(small.folder)
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    for name, weight in model.named_parameters():
        before = small.before[name]
        if (delta := small.deltas.get(name.removesuffix(".weight"))) is not None:
            assert torch.equal(weight, (before.float() + delta).bfloat16()), name
            assert not torch.equal(weight, before), name
    assert len(small.deltas) == 7 * model.config.text_config.num_hidden_layers


def test_a_training_resumes_from_a_checkpoint_without_the_base(base: Base, stores: Path, tmp_path: Path) -> None:
    keep = ModelCheckpoint(dirpath=tmp_path, save_last=True, every_n_train_steps=2)
    module = module_of(base, LoRA(rank=2), torch.bfloat16)
    trainer_of(stores, steps=2, enable_checkpointing=True, callbacks=[keep]).fit(module, data_of(base, stores))
    saved = torch.load(tmp_path / "last.ckpt", weights_only=False)["state_dict"]
    assert {name for name in saved if "language_model" in name} == {
        name for name, _ in module.named_parameters() if "lora_" in name
    }
    torch.manual_seed(5)
    again = SupervisedFineTuning(
        model=copy.deepcopy(base[0]).bfloat16(), processor=base[1], learning_rate=1e-2, freeze=["vision_tower"],
        adapter=LoRA(rank=2),
    )  # fmt: skip
    trainer_of(stores, steps=2).fit(again, data_of(base, stores), ckpt_path=tmp_path / "last.ckpt", weights_only=False)
    for (name, weight), other in zip(module.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(weight, other), name
    saved.popitem()
    with pytest.raises(ValueError, match="the checkpoint lacks 1 trained weights"):
        again.on_load_checkpoint({"state_dict": saved})


def test_impossible_adapters_are_refused(base: Base, stores: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"no linear layers 'qproj'; it has down_proj, .*, q_proj, up_proj, v_proj$"):
        attached(base, LoRA(targets=["qproj", "k_proj"]), stores)
    with pytest.raises(ValueError, match=r"adapter.rank=0, .*rank is at least 1"):
        LoRA(rank=0)
    with pytest.raises(ValueError, match="there are no adapters to save"):
        LoRA().save(base[0], stores)
    pytest.importorskip("bitsandbytes", reason="needs the extra quantized")
    model = copy.deepcopy(base[0])
    with pytest.raises(ValueError, match=r"adapter=qlora: bitsandbytes .* cannot quantise on mps .*take adapter=lora"):
        LoRA(quantized=True).attach(model, torch.device("mps"))
    assert all(type(part) is nn.Linear for part in model.language_model.modules() if isinstance(part, nn.Linear))
    monkeypatch.setattr("training.sr3d.quantized_base.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"adapter=qlora needs bitsandbytes: pip install 'region4d\[quantized\]'"):
        LoRA(quantized=True)
