"""`region4d data`: training data of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

data = typer.Typer(name="data", help="Check training data of your own.", no_args_is_help=True)
MOST_ERRORS = 20  # that are printed


@data.callback()
def room() -> None:
    """Keep `check` a command of its own."""


@data.command()
def check(
    file: Annotated[Path, typer.Argument(help="JSON lines, as docs/guides/your_data.md describes them")],
    frames: Annotated[int, typer.Option(min=1, help="sampled of a video or folder where a line does not say")] = 8,
    picture: Annotated[Path, typer.Option(help="where twelve samples are drawn")] = Path("outputs/data_check.jpg"),
) -> None:
    """Read every line of a file with its media and regions, count them, and draw twelve samples.

    Prints the file, line and cure of whatever cannot be used, and ends with exit code 2 if there is any.

    Example: region4d data check my.jsonl --picture my.jpg
    """
    from rich.progress import track

    from scenes.drawing.regions import save_picture
    from training.annotations.checking import check_file
    from training.annotations.files import AnnotationFile

    lines = AnnotationFile(file)
    found = check_file(lines, frames, track(range(len(lines)), f"reading {file.name}"))
    typer.echo(found.summary())
    if found.pictures:
        save_picture(found.sheet(), picture)
        typer.echo(f"samples: {picture}")
    for error in found.errors[:MOST_ERRORS]:
        typer.echo(error, err=True)
    if found.errors:
        more = len(found.errors) - MOST_ERRORS
        raise ValueError(
            f"{len(found.errors)} of {found.lines} lines cannot be used{f'; {more} are not shown' if more > 0 else ''}"
        )
