"""`region4d parity`: a checkpoint as it is loaded here against what another stack answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from region4d import flags


def parity(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="checkpoint: a shipped name, a folder, a Hub name")],
    golden: Annotated[
        Path, typer.Argument(metavar="GOLDEN", help="folder of golden.json and golden.safetensors (record_golden.py)")
    ],
    dtype: Annotated[
        list[str] | None,
        typer.Option("--dtype", help="float32, bfloat16 or float16; repeatable (default: float32 and bfloat16)"),
    ] = None,
    device: flags.PlacementFlag = None,
    as_json: flags.JsonFlag = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            help="file for the tables, or with --json for the object; then only the verdicts are printed",
        ),
    ] = None,
) -> None:
    """Compare a checkpoint with the ids, logits, hidden states and greedy tokens that another stack recorded of it.

    Exit code 0: all differences are rounding. 1: the first prompt and layer that differ are named. 2: wrong input.
    benchmarks/parity/record_golden.py records GOLDEN; it runs alone, in VILA's environment.

    Example:

    region4d parity checkpoints/NVILA-Lite-8B golden --dtype bfloat16
    """
    from rich import get_console
    from rich.progress import track

    from benchmarks.parity.comparison import compare_checkpoint, finite, report
    from benchmarks.parity.golden import Golden
    from benchmarks.parity.tables import tables, verdict
    from region4d.terminal import quiet_transformers
    from scenes.storage.atomic import write_text
    from scenes.storage.destinations import check_file

    quiet_transformers()
    if output is not None:
        check_file(output)
    recorded = Golden.read(golden)
    comparisons = compare_checkpoint(
        folder,
        recorded,
        list(dict.fromkeys(dtype or ("float32", "bfloat16"))),
        device,
        lambda replays, what: track(
            replays, what, total=len(recorded.prompts), transient=True, disable=not get_console().is_interactive
        ),
    )
    text = json.dumps(finite(report(comparisons)), indent=1, allow_nan=False) if as_json else tables(comparisons)
    if output is not None:
        write_text(output, text + "\n")
        text = "\n".join(map(verdict, comparisons))
    typer.echo(text)
    if not all(one.agrees for one in comparisons):
        raise typer.Exit(1)
