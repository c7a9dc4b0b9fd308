"""`region4d probe`: the short name of `region4d study probe/...`."""

from __future__ import annotations

from typing import Annotated

import typer

from region4d.verbs.study import run_short_name


def probe(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Probe models and compare them, e.g. `region4d probe study=quick`, short for `region4d study probe/quick`.

    Every model is probed at every layer and noise level. Validation clips choose one of these sites for each model;
    controls follow there. `view=8080` shows predicted and true points of test clips in a browser.
    """
    run_short_name("probe", overrides or [])
