"""`region4d linear-probe`: how much depth, flow, motion and camera a trained student's visual tokens hold."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from omegaconf import DictConfig

from benchmarks.records.manifest import collect_manifest
from benchmarks.region_qa.analyses.linear_probes import write_probes
from distill.linear_probe import probe_checkpoint
from region4d.configuration.compose import compose_config
from region4d.terminal import CONSOLE
from scenes.storage.destinations import check_file


def linear_probe(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Fit linear probes of a student's visual tokens.

    Prints R2 by signal, and writes the errors on every test clip.

    Example: region4d linear-probe checkpoint=rgpt4d_tiny output=outputs/tokens.json
    """
    words = overrides or []
    run(compose_config("linear_probe", words), words)


def run(config: DictConfig, overrides: Sequence[str]) -> None:
    """Probe the student of a composed configuration, and write its scores."""
    check_file(Path(config.output))
    model = Path(config.checkpoint)
    scores = probe_checkpoint(
        model,
        arm=config.label,
        seed=config.seed,
        frames=config.frames,
        fitting=config.fitting,
        testing=config.testing,
        first_seed=config.first_seed,
        stores=Path(config.stores),
    )
    CONSOLE.print(scores.arm, " ".join(f"{name} {scores.r2(name):.3f}" for name in scores.error))
    settings = {name: config[name] for name in ("fitting", "testing", "first_seed")}
    command = shlex.join(["region4d", "linear-probe", *overrides])
    write_probes(Path(config.output), scores, collect_manifest({**settings, "command": command}, model))
