"""`region4d diff`: any two runs, paired."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from region4d.terminal import CONSOLE

RunArgument = Annotated[
    str,
    typer.Argument(
        help="folder of records, FOLDER#RUN of an archive, sample log of lmms-eval (.jsonl), or scored table of "
        "VLMEvalKit (.tsv, .csv, .json, .xlsx)"
    ),
]


def diff(
    first: RunArgument,
    second: RunArgument,
    names: Annotated[str, typer.Option(help="names of the two runs in the report, separated by a comma")] = "A,B",
    metric: Annotated[str | None, typer.Option(help="field of a foreign log that holds the score")] = None,
    category: Annotated[str | None, typer.Option(help="field of a foreign log that holds the category")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="field of a foreign log that items share which are dependent, such as the video")
    ] = None,
    media: Annotated[
        Path | None, typer.Option(help="folder in which paths of foreign logs are, for links to the footage")
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="folder of the report")] = Path("outputs/diff"),
) -> None:
    """Compare two runs item by item: accuracies by category, paired differences with intervals, items gained and lost.

    The runs may be those of this project, or two logs of lmms-eval or VLMEvalKit.

    Example: region4d diff outputs/bench/2d outputs/bench/3d --names 2d,3d
    """
    from benchmarks.diff.opening import open_run
    from benchmarks.diff.pairing import join
    from benchmarks.diff.report import diff_page, to_terminal, write_diff
    from benchmarks.diff.run import Fields
    from benchmarks.records.manifest import collect_manifest, provenance
    from scenes.storage.destinations import check_folder

    check_folder(output)
    named = tuple(name.strip() for name in names.split(","))
    if len(named) != 2 or not all(named) or named[0] == named[1]:
        raise ValueError(f"--names '{names}' does not name two runs: write two different names, such as 2d,3d")
    fields = Fields(metric, category, cluster)
    runs = open_run(first, fields), open_run(second, fields)
    joined = join(*runs, (named[0], named[1]))
    if media is not None:
        joined = replace(joined, roots=[media, *joined.roots])
    recorded = [run.manifest for run in runs if run.manifest is not None]
    made = provenance(recorded) if recorded else collect_manifest({})
    command = shlex.join(["region4d", *sys.argv[1:]])
    write_diff(diff_page(joined, runs, replace(made, config={"command": command}), output), joined, output)
    CONSOLE.print(to_terminal(joined))
    CONSOLE.print(f"report: {output / 'report.html'}", soft_wrap=True)
