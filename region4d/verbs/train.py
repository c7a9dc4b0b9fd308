"""`region4d train`: every training is an experiment, `experiment=NAME key=value`."""

from __future__ import annotations

import logging
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import hydra
import typer
from hydra.core.hydra_config import HydraConfig
from lightning import Trainer, seed_everything
from lightning.pytorch.utilities.model_helpers import is_overridden
from omegaconf import DictConfig, OmegaConf

from benchmarks.records.manifest import collect_manifest
from region4d.arms import refuse_arm_without_teacher
from region4d.config import CONFIGS, build, compose_config, first_of_sweep, refuse_other_config, split_multirun
from region4d.model_card import write_card
from region4d.terminal import quiet_transformers

logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
warnings.filterwarnings("ignore", module=r"lightning\.")  # hints about worker processes and log folders


def train(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Train what an experiment describes, e.g. `region4d train experiment=sr3d/tiny_static arm=2d seed=1`.

    Continues from its last checkpoint when it was stopped. With `-m`, Hydra sweeps over comma-separated values.
    """
    multirun, assignments = split_multirun(overrides or [])
    config = compose_config("train", first_of_sweep(assignments) if multirun else assignments)
    if multirun:
        sys.argv = [sys.argv[0], *multirun, *assignments]
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
    refuse_arm_without_teacher(config)
    refuse_other_config(folder, config)
    seed_everything(config.seed, workers=True, verbose=False)
    module = build(config.module)  # first, so that no other random draw separates the arms of one seed
    data = build(config.data)
    trainer: Trainer = build(config.trainer)
    folder.mkdir(parents=True, exist_ok=True)
    OmegaConf.save(config, folder / "config.yaml", resolve=True)  # only once everything is built
    last = folder / "checkpoints" / "last.ckpt"
    trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
    if is_overridden("test_step", module):
        trainer.test(module, data, verbose=False)
    if trainer.is_global_zero:
        partial = folder / f"model.partial.{os.getpid()}"
        module.export(partial)
        command = shlex.join(["region4d", "train", *(word for word in overrides if not word.startswith("output="))])
        write_card(partial, config, data.summary(), module.summary(), command, collect_manifest({}, partial))
        partial.rename(finished)
        print(f"model written to {finished}")
