"""`region4d doctor`: what is installed, what works, and what to do about the rest."""

from __future__ import annotations

import json
import platform
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from region4d import flags

SECONDS = 120.0  # of one trial


def doctor(
    as_json: flags.JsonFlag = False,
    seconds: Annotated[float, typer.Option(min=1, help="time limit of one trial")] = SECONDS,
) -> None:
    """Say what is installed, which parts work (each is tried in a process of its own), and what to do about the rest.

    The exit code is 1 where something that is installed is broken. Extras that are not installed are no fault.

    Example: region4d doctor
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    from models.checkpoint_registry import shipped_checkpoints
    from region4d.doctor.extras import EXTRAS, install_command, missing_modules
    from region4d.doctor.machine import group_limits, memory_bytes, usable_cores
    from region4d.doctor.report import Part, Report, advise, examine_checkpoint, free_bytes, to_text
    from region4d.doctor.running import run_trials
    from region4d.doctor.trials import BASE
    from region4d.threads import waiting

    missing = {name: missing_modules(extra.modules) for name, extra in EXTRAS.items()}
    names = [*BASE, *(name for name in EXTRAS if not missing[name])]
    outcomes = {}
    for number, (name, outcome) in enumerate(run_trials(names, seconds), 1):
        typer.echo(f"{number}/{len(names)} {name}: {'works' if outcome.works else 'broken'}", err=True)
        outcomes[name] = outcome

    def tried(name: str, purpose: str = "") -> Part:
        return Part("works" if outcomes[name].works else "broken", outcomes[name].detail, purpose)

    def absent(name: str) -> Part:
        some = len(missing[name]) < len(EXTRAS[name].modules)
        lacking = f" (missing: {', '.join(missing[name])})" if some else ""
        return Part("absent", install_command(name) + lacking, EXTRAS[name].purpose)

    checkpoints = {f"checkpoint {name}": examine_checkpoint(each) for name, each in shipped_checkpoints().items()}
    report = Report(
        version=_version(),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        base={**{name: tried(name) for name in BASE}, **checkpoints},
        extras={name: absent(name) if missing[name] else tried(name, extra.purpose) for name, extra in EXTRAS.items()},
        cores=usable_cores(),
        limits=group_limits(),
        memory_bytes=memory_bytes(),
        torch=outcomes["torch"].facts,
        waiting=waiting(),
        disks={str(folder): free_bytes(folder) for folder in (Path(HF_HUB_CACHE), Path.cwd())},
    )
    report = replace(report, advice=advise(report))
    typer.echo(json.dumps(report.to_dict()) if as_json else to_text(report))
    if not report.works:
        raise typer.Exit(1)


def _version() -> str:
    try:
        return version("region4d")
    except PackageNotFoundError:  # a checkout that is run without being installed
        return "(not installed)"
