"""`region4d data`: training data of one's own, and benchmarks for lmms-eval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

data = typer.Typer(name="data", help="Check and convert training data; write tasks of lmms-eval.", no_args_is_help=True)
MOST_ERRORS = 20  # that are printed


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

    from scenes.drawing.regions import check_picture, save_picture
    from training.annotations.checking import check_file
    from training.annotations.files import AnnotationFile

    check_picture(picture)
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


@data.command()
def convert(
    layout: Annotated[str, typer.Argument(help="llava (also VSI-590K), spar, spatial_rgpt or sat")],
    source: Annotated[Path, typer.Argument(help="file of annotations", exists=True, dir_okay=False)],
    media: Annotated[Path, typer.Option(help="folder of the pictures and videos; for sat, where they are written")],
    output: Annotated[Path, typer.Option("-o", "--output", help="the file of training data")],
) -> None:
    """Convert a data set to training data. What cannot be said in it is left out, and why is printed.

    Example: region4d data convert llava llava.json --media images -o llava.jsonl
    """
    from scenes.storage.locks import sole_maker
    from training.annotations.converters import CONVERTERS
    from training.annotations.converters import convert as convert_annotations

    if layout not in CONVERTERS:
        raise ValueError(f"the layout '{layout}' is unknown; choose one of {', '.join(CONVERTERS)}")
    with sole_maker(output):
        done = convert_annotations(layout, source, media, output)
    typer.echo(f"{output}: {done.written} lines, {sum(done.left_out.values())} samples left out")
    for reason, count in done.left_out.most_common():
        typer.echo(f"left out {count}: {reason}", err=True)


@data.command("lmms-eval")
def lmms_eval(
    task: Annotated[str, typer.Argument(help="a task of `region4d bench`, such as worlds_static")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="its settings (Hydra overrides), task.KEY=VALUE")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="first items that are written; all without it")] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="new folder, for --include_path")] = Path(
        "outputs/lmms_eval"
    ),
) -> None:
    """Write a benchmark as a task of lmms-eval, whose documents bring geometry and regions.

    Example: region4d data lmms-eval worlds_static "task.seeds=[1000000,1000008]" --limit 40 -o outputs/lmms_eval
    """
    from region4d.configuration.compose import build, compose_config
    from region4d.lmms_eval.task_folder import write_task_folder
    from scenes.storage.locks import sole_maker

    words = [f"task={task}", *(overrides or [])]
    config = compose_config("bench", [*words, "model.folder=constant:A"])
    with sole_maker(output):
        name = write_task_folder(build(config.task), output, {"overrides": words, "limit": limit}, limit)
    typer.echo(f"{name}: lmms-eval --include_path {output} --tasks {name} --model region4d ...")
