"""`region4d train`: every training is an experiment, `experiment=NAME key=value`."""

from __future__ import annotations

import logging
import shlex
import sys
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import hydra
import typer
from hydra.core.hydra_config import HydraConfig
from lightning import LightningDataModule, LightningModule, Trainer, seed_everything
from lightning.fabric.plugins import TorchCheckpointIO
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities.exceptions import SIGTERMException
from lightning.pytorch.utilities.model_helpers import is_overridden
from omegaconf import DictConfig, OmegaConf

from benchmarks.records.manifest import collect_manifest
from region4d.cards.model_card import write_card
from region4d.configuration.arms import refuse_arm_without_teacher, shared_teacher
from region4d.configuration.compose import (
    CONFIGS,
    build,
    compose_config,
    first_of_sweep,
    refuse_other_config,
    search_words,
    split_multirun,
)
from region4d.configuration.recipes import refuse_other_model
from region4d.ends import TERMINATED, ended_by_sigterm
from region4d.terminal import quiet_transformers
from scenes.storage.atomic import new_folder, remove_leftovers, write_text
from scenes.storage.destinations import check_folder
from scenes.storage.locks import sole_writer
from training.checkpoints import LAST, Found, WholeCheckpointIO, find_checkpoint, read_row
from training.finite import StopAtNan, refuse_nan_weights
from training.interruption import StopAfterStep
from training.metrics_log import KeepRow, continue_metrics
from training.progress import count_steps

logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
warnings.filterwarnings("ignore", module=r"lightning\.")  # hints about worker processes and log folders


def train(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Train what an experiment describes.

    Continues from its last whole checkpoint when it was stopped. With `-m`, Hydra sweeps over comma-separated values.

    Example: region4d train experiment=sr3d/tiny_static arm=2d seed=1
    """
    multirun, assignments = split_multirun(overrides or [])
    config = compose_config("train", first_of_sweep(assignments) if multirun else assignments)
    if multirun:
        sys.argv = [sys.argv[0], *multirun, *assignments, *search_words()]
        hydra.main(config_path=str(CONFIGS), config_name="train", version_base="1.3")(run_of_sweep)()
    else:
        run(config, assignments)


def run_of_sweep(config: DictConfig) -> None:
    """Run one point of a Hydra sweep."""
    run(config, list(HydraConfig.get().overrides.task))


def run(config: DictConfig, overrides: Sequence[str]) -> None:
    """Instantiate data, module and trainer of a composed configuration, fit, and export the model beside it."""
    quiet_transformers()
    folder = Path(config.output)
    finished = folder / "model"
    if finished.is_dir():
        print(f"{finished} is already trained; remove the folder {folder} to train it again")
        return
    refuse_other_model(config)
    refuse_arm_without_teacher(config)
    refuse_other_config(folder, config)
    check_folder(folder)
    seed_everything(config.seed, workers=True, verbose=False)
    with ended_by_sigterm():
        module = build(config.module)  # first, so that no other random draw separates the arms of one seed
        data = build(config.data, **shared_teacher(config, module))
        trainer: Trainer = build(config.trainer)
        module.check_trainer(trainer)
        with sole_writer(folder) if trainer.is_global_zero else nullcontext():  # which holds it for all processes
            write_text(folder / "config.yaml", OmegaConf.to_yaml(config, resolve=True))  # only once everything is built
            found = find_checkpoint(folder / "checkpoints")
            if trainer.is_global_zero:
                report_fallback(found)
                remove_leftovers(folder / "checkpoints")
            resume(trainer, found)
            fit(trainer, module, data, None if found is None else str(found.path))
            if trainer.is_global_zero:
                refuse_nan_weights(dict(module.named_parameters()), trainer.global_step)
                words = (word for word in overrides if not word.startswith("output="))
                command = shlex.join(["region4d", "train", *words])
                with new_folder(finished) as draft:
                    module.export(draft)
                    write_card(draft, config, data.summary(), module.summary(), command, collect_manifest({}, draft))
                print(f"model written to {finished}")


def fit(trainer: Trainer, module: LightningModule, data: LightningDataModule, checkpoint: str | None) -> None:
    """Fit, then test. SIGTERM ends a training after its step with exit code 143; Ctrl-C as it ends all verbs."""
    count_steps(trainer)
    stop = StopAfterStep()
    trainer.callbacks[:0] = [stop, StopAtNan(), KeepRow()]
    with stop.deferring():
        try:
            trainer.fit(module, data, ckpt_path=checkpoint, weights_only=True)
            if trainer.received_sigterm:  # in the last step
                raise SystemExit(TERMINATED)
            if stop.interrupted:
                raise KeyboardInterrupt
            if is_overridden("test_step", module):
                trainer.test(module, data, verbose=False)
        except SIGTERMException:  # without a code, it would be a success
            raise SystemExit(TERMINATED) from None
        except SystemExit as ended:
            if isinstance(ended.__context__, KeyboardInterrupt):  # Lightning makes it an exit with code 1
                raise KeyboardInterrupt from None
            raise


def resume(trainer: Trainer, found: Found | None) -> None:
    """Write checkpoints in one step, and continue the metrics of the steps that a checkpoint holds."""
    if type(trainer.strategy.checkpoint_io) is TorchCheckpointIO:
        trainer.strategy.checkpoint_io = WholeCheckpointIO(trainer.loggers)
    for logger in trainer.loggers:
        if isinstance(logger, CSVLogger) and trainer.is_global_zero:
            continue_metrics(logger, *((0,) if found is None else (found.step, read_row(found.path))))


def report_fallback(found: Found | None) -> None:
    """Say in one line that a training continues from another checkpoint than its last."""
    if found is None or found.path.name == LAST:
        return
    damaged = " and ".join(map(str, found.damaged))
    why = f"{damaged} cannot be read (cut or damaged)" if damaged else f"{found.path.parent} has no {LAST}"
    print(f"region4d: {why}; continuing from {found.path.name}, step {found.step}", file=sys.stderr)
