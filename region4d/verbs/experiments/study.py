"""`region4d study`: run any study of `configs/study` and report it; `compare` and `probe` are short names."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from omegaconf import OmegaConf
from rich.table import Table

from region4d.configuration.compose import CONFIGS, split_multirun
from region4d.configuration.folders import config_dirs
from region4d.terminal import CONSOLE
from scenes.storage.destinations import check_folder
from scenes.storage.locks import sole_writer


def study(words: Annotated[list[str] | None, typer.Argument(metavar="[NAME] [KEY=VALUE]...")] = None) -> None:
    """Run a study and write its report.

    Without a name, lists the studies. Finished runs are kept, so that the same command continues. With `-m`, every
    unfinished run that can start goes through a Hydra launcher (hydra/launcher=slurm), and no report is written.
    `report_only=true` writes one from the finished runs; `runs=FOLDER` reads those of another folder, or an archive.

    Example: region4d study compare/quick "study.seeds=[0,1]"
    """
    flags, overrides = split_multirun(words or [])
    name = next((word for word in overrides if "=" not in word and not word.startswith("~")), None)
    if name is None:
        CONSOLE.print(studies_table())
        return
    kind = check_name(name)
    overrides.remove(name)
    run_study(kind, flags, [f"study={name}", *overrides], shlex.join(["region4d", "study", *(words or [])]))


def compare(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Train the arms of a study from one initialisation on the same data, score them, and write a report.

    Example: region4d compare study=quick "study.seeds=[0,1]", short for region4d study compare/quick.
    """
    run_short_name("compare", overrides or [])


def probe(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Probe models and compare them.

    Every model is probed at every layer and noise level. Validation clips choose one of these sites for each model;
    controls follow there. `view=8080` shows predicted and true points of test clips in a browser.

    Example: region4d probe study=quick, short for region4d study probe/quick
    """
    run_short_name("probe", overrides or [])


def run_short_name(kind: str, words: Sequence[str]) -> None:
    """Run `region4d KIND study=NAME ...`, the short name of `region4d study KIND/NAME ...`."""
    flags, overrides = split_multirun(words)
    command = shlex.join(["region4d", kind, *words])
    prefix = "study="
    overrides = [
        f"{prefix}{kind}/{word.removeprefix(prefix)}" if word.startswith(prefix) and "/" not in word else word
        for word in overrides
    ]
    run_study(kind, flags, overrides, command)


def run_study(kind: str, flags: Sequence[str], overrides: Sequence[str], command: str) -> None:
    """Run the unfinished jobs of a study and report the finished ones; exit with 1 where a job failed."""
    from region4d.studies.plan import load_plan, run_plan  # torch takes seconds to import
    from region4d.studies.sweep import sweep

    if flags:
        sweep(kind, flags, overrides)
        return
    plan = load_plan(kind, overrides)
    config = plan.config
    if config.get("view") is not None:
        plan.view(config.view)
        return
    if config.get("plan_only"):
        plan.explain()
        return
    runs, output = Path(config.runs), Path(config.output)
    check_folder(output)
    if config.report_only:
        failures = []
    else:  # one run alone, as a cluster starts it, is held by the folder of that run
        with sole_writer(runs, ".study.lock") if config.run is None else nullcontext():
            failures = run_plan(plan)
    for failure in failures:
        CONSOLE.print(failure)
    if config.run is None:
        plan.report(plan.gather(command))
        CONSOLE.print(f"report: {output / 'report.html'}")
    if failures:
        raise typer.Exit(1)


def study_names() -> list[str]:
    """List the studies, KIND/NAME."""
    return sorted(study_files())


def study_files() -> dict[str, Path]:
    """Find the files of the studies, also those of `--config-dir`, by KIND/NAME."""
    folders = [*(folder / "study" for folder in reversed(config_dirs())), CONFIGS / "study"]  # as Hydra prefers them
    return {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for folder in folders
        for path in folder.glob("*/*.yaml")
    }


def studies_table() -> Table:
    """Tabulate the studies with their titles."""
    table = Table("study", "title")
    for name, path in sorted(study_files().items()):
        table.add_row(name, str(OmegaConf.load(path).title))
    return table


def check_name(name: str) -> str:
    """Return the kind of a study.

    Raises:
        ValueError: there is no study of this name; with near matches.
    """
    names = study_names()
    if name in names:
        return name.partition("/")[0]
    near = [known for known in names if known.partition("/")[2] == name] or difflib.get_close_matches(name, names)
    remedy = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(names)}"
    raise ValueError(f"no study '{name}'; {remedy}")
