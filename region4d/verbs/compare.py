"""`region4d compare`: the short name of `region4d study compare/...`."""

from __future__ import annotations

from typing import Annotated

import typer

from region4d.verbs.study import run_short_name


def compare(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Train the arms of a study from one initialisation on the same data, score them, and write a report.

    Example: region4d compare study=quick "study.seeds=[0,1]", short for region4d study compare/quick.
    """
    run_short_name("compare", overrides or [])
