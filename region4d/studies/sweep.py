"""Sending the jobs of a study through a Hydra launcher, one each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import hydra
from omegaconf import DictConfig

from region4d.config import CONFIGS


def sweep(
    verb: str,
    job: Callable[[DictConfig], None],
    flags: Sequence[str],
    assignments: Sequence[str],
    names: Sequence[str],
    chosen: str | None,
) -> None:
    """Run `job` once for each of `names`, or for the `chosen` one, as Hydra's multirun does."""
    words = list(assignments) if chosen else [*assignments, "run=" + ",".join(names)]
    sys.argv = [sys.argv[0], *flags, *words]
    hydra.main(config_path=str(CONFIGS), config_name=verb, version_base="1.3")(job)()
