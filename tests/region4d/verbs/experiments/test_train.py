"""`region4d train`: what stops a training, and what it continues from."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from safetensors.torch import load_file
from torch import Tensor
from torch.utils.data import DataLoader

from region4d.verbs.experiments.train import fit, resume
from tests.support.drafts import dead_draft
from tests.support.programs.command_line import Run, assert_one_line
from training.checkpoints import read_step

WORDS = ("experiment=sr3d/tiny_static", "arm=2d", "data.seeds=[0,4]", "data.batch_size=2", "trainer.max_steps=4")
WORDS += (
    "trainer.callbacks.0.every_n_train_steps=2",
    "trainer.log_every_n_steps=1",
    "trainer.enable_progress_bar=false",
)


def train(region4d: Run, output: Path, stores: Path) -> tuple[int, str, str]:
    return region4d("train", *WORDS, f"data.stores={stores}", f"output={output}")


@pytest.mark.long
def test_a_cut_last_checkpoint_is_passed_over_aloud_and_the_result_is_the_same(
    region4d: Run, tmp_path: Path, stores: Path
) -> None:
    output = tmp_path / "run"
    checkpoints = output / "checkpoints"
    code, _, err = train(region4d, output, stores)
    assert code == 0, err
    weights, metrics = load_file(output / "model" / "model.safetensors"), (output / "metrics.csv").read_bytes()
    shutil.move(output / "model", dead_draft(output / "model"))  # of a run that was killed while it exported
    dead_draft(checkpoints / "last.ckpt").write_bytes(b"half")
    last = (checkpoints / "last.ckpt").read_bytes()
    (checkpoints / "last.ckpt").write_bytes(last[: len(last) // 2])

    code, _, err = train(region4d, output, stores)
    assert code == 0, err
    assert f"{checkpoints / 'last.ckpt'} cannot be read" in err
    assert "continuing from epoch=0-step=4.ckpt, step 4" in err
    again = load_file(output / "model" / "model.safetensors")
    assert all(torch.equal(again[name], weights[name]) for name in weights)
    assert (output / "metrics.csv").read_bytes() == metrics
    assert sorted(path.name for path in output.iterdir()) == [
        "checkpoints", "config.yaml", "metrics.csv", "model"
    ]  # fmt: skip
    assert not list(checkpoints.glob(".*"))

    shutil.rmtree(output / "model")
    for path in checkpoints.iterdir():
        path.write_bytes(b"")
    assert_one_line(train(region4d, output, stores), "last.ckpt", "cannot be read", f"remove {checkpoints}")


class Toy(LightningModule):
    """One weight."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        return self.layer(batch).mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.1)


class ToyData(LightningDataModule):
    """Eight ones."""

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(torch.ones(8, 1))  # type: ignore[arg-type]


class Signal(Callback):
    """Sends a signal to its own process, once or more often, when the second step begins."""

    def __init__(self, number: signal.Signals, times: int = 1) -> None:
        self.number, self.times = number, times

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == 1:
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)
            self.times = 0


def fit_toy(folder: Path, *callbacks: Callback, checkpoint: Path | None = None, batches: int = 1) -> Toy:
    regular = ModelCheckpoint(folder, every_n_train_steps=100, save_last=True, enable_version_counter=False)
    trainer = Trainer(
        default_root_dir=folder, callbacks=[*callbacks, regular], max_steps=6, accelerator="cpu", logger=False,
        accumulate_grad_batches=batches, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    torch.manual_seed(0)
    module = Toy()
    fit(trainer, module, ToyData(), None if checkpoint is None else str(checkpoint))
    return module


def test_sigterm_ends_a_training_with_exit_code_143(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        fit_toy(tmp_path, Signal(signal.SIGTERM))
    assert ended.value.code == 143


@pytest.mark.parametrize("batches", [1, 2])
def test_ctrl_c_ends_a_training_after_its_step_and_it_continues_as_if_never_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], batches: int
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning ignores Ctrl-C after an earlier one
    whole = fit_toy(tmp_path / "whole", batches=batches)
    with pytest.raises(KeyboardInterrupt):
        fit_toy(tmp_path, Signal(signal.SIGINT), batches=batches)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert "stopping after this step" in capsys.readouterr().err
    assert read_step(tmp_path / "last.ckpt") == 2
    again = fit_toy(tmp_path, checkpoint=tmp_path / "last.ckpt", batches=batches)
    assert torch.equal(again.layer.weight, whole.layer.weight)


class Spoil(Callback):
    """Makes a loss, or the weights after it, not a number in the fourth step."""

    def __init__(self, what: str) -> None:
        self.what = what

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Tensor, *_: Any) -> None:
        if trainer.global_step == 3 and self.what == "loss":
            batch.fill_(float("nan"))

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.global_step == 3 and self.what == "weights":
            for weight in pl_module.parameters():
                weight.grad = torch.full_like(weight, float("nan"))


@pytest.mark.parametrize(("what", "words"), [("loss", "the loss of step 4 is nan"), ("weights", "after step 4")])
def test_what_is_not_a_number_ends_a_training_and_the_checkpoint_before_it_stays(
    tmp_path: Path, what: str, words: str
) -> None:
    regular = ModelCheckpoint(tmp_path, every_n_train_steps=2, save_last=True, enable_version_counter=False)
    trainer = Trainer(
        default_root_dir=tmp_path, callbacks=[Spoil(what), regular], max_steps=6, accelerator="cpu", logger=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    resume(trainer, None)
    with pytest.raises(ValueError, match=words):
        fit(trainer, Toy(), ToyData(), None)
    assert read_step(tmp_path / "last.ckpt") == 2


def test_sigterm_keeps_the_step_too(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        fit_toy(tmp_path, Signal(signal.SIGTERM))
    assert read_step(tmp_path / "last.ckpt") == 2


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        fit_toy(tmp_path, Signal(signal.SIGINT, times=2))
    assert not (tmp_path / "last.ckpt").exists()


@pytest.mark.parametrize("stop", [SystemExit(143), KeyboardInterrupt()])
def test_the_command_says_in_one_line_that_it_was_stopped(
    region4d: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stop: BaseException
) -> None:
    def stopped(*_: Any) -> None:
        raise stop

    monkeypatch.setattr("region4d.verbs.experiments.train.run", stopped)
    code, _, err = region4d("train", "experiment=sr3d/tiny_static", "arm=2d", f"output={tmp_path}")
    assert code == (143 if isinstance(stop, SystemExit) else 130)
    assert err == "region4d: stopped; the same command continues from what is finished\n"
