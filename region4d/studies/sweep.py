"""Run the jobs of a study through a Hydra launcher, one launch per job."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from region4d.configuration.compose import CONFIGS, search_words
from region4d.studies.plan import chosen_jobs, load_plan, run_plan
from region4d.terminal import CONSOLE


def sweep(kind: str, flags: Sequence[str], overrides: Sequence[str]) -> None:
    """Run each unfinished job that can start, or the one that `run` chooses, as Hydra's multirun does.

    Jobs that depend on these (the controls of a probe study, the speeds of a study of lifting) need a second sweep.
    """
    plan = load_plan(kind, overrides)
    for reason in plan.unavailable():
        CONSOLE.print(reason)
    names = [job.name for job in chosen_jobs(plan) if not job.finished]
    if not names:
        CONSOLE.print("every run that can start is finished; report_only=true without -m writes the report")
        return
    words = list(overrides) if plan.config.run else [*overrides, f"run={','.join(names)}"]
    sys.argv = [sys.argv[0], *flags, *words, *search_words()]
    hydra.main(config_path=str(CONFIGS), config_name=kind, version_base="1.3")(run_of_sweep)()


def run_of_sweep(config: DictConfig) -> None:
    """Run one job of a study for a Hydra launcher.

    Raises:
        RuntimeError: a step of it failed.
    """
    context = HydraConfig.get()
    if failures := run_plan(load_plan(str(context.job.config_name), list(context.overrides.task))):
        raise RuntimeError("; ".join(failures))
