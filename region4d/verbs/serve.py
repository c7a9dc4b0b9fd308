"""`region4d serve`: the web app."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from region4d import flags

MODELS = 2
SHIPPED_LIFT = Path("lift_tiny")  # a name of the checkpoint registry


def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one")] = 7860,
    host: Annotated[str, typer.Option(help="address to listen on; 0.0.0.0 lets other machines in")] = "127.0.0.1",
    model: Annotated[
        list[str] | None,
        typer.Option(help="checkpoint, as of ask; two are asked side by side (default: sr3d_tiny_3d)"),
    ] = None,
    folder: Annotated[
        list[Path] | None, typer.Option(help="visitors may open footage inside this folder; repeatable")
    ] = None,
    study: Annotated[
        list[Path] | None,
        typer.Option(help="finished study to browse: an archive, or a folder of runs; repeatable"),
    ] = None,
    depth_model: Annotated[
        str | None, typer.Option(help="depth model of transformers, for footage without depth: a folder or name")
    ] = None,
    segmenter: Annotated[
        str | None, typer.Option(help="SAM 2 or SAM 3 of transformers, for regions by clicks: a folder or name")
    ] = None,
    lift_model: Annotated[
        Path, typer.Option(help="lifting model of the Lift page: a shipped name or a folder")
    ] = SHIPPED_LIFT,
    probe: Annotated[
        list[Path] | None,
        typer.Option(help="finished run of train experiment=probe/bank, for the Probe page; repeatable"),
    ] = None,
    max_upload_mb: Annotated[int, typer.Option(min=1, help="largest upload")] = 200,
    max_seconds: Annotated[float, typer.Option(min=1, help="longest video")] = 600,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="offer ask_about as a tool to language models (Model Context Protocol)")
    ] = False,
    device: flags.PlacementFlag = None,
    dtype: flags.DtypeFlag = None,
    bits: flags.BitsFlag = None,
) -> None:
    """Serve the web app: ask one or two models about regions, measure, lift objects, probe features, browse studies.

    Everything stays on this machine: the pages ask no other host, uploads are deleted once they are read, and nothing
    outside of --folder and --study is opened. Ctrl-C ends.

    Example:

    region4d serve --model sr3d_tiny_3d --model sr3d_tiny_2d --folder rooms --study results/compare/quick
    """
    names = model or ["sr3d_tiny_3d"]
    if len(names) > MODELS:
        raise ValueError(f"at most {MODELS} models are asked side by side; got {len(names)}: {', '.join(names)}")
    from rich import get_console

    from models.segmenters import open_segmenter
    from region4d.app.server import served
    from region4d.app.settings import Settings
    from region4d.app.systems import System
    from region4d.footage import GeometrySource
    from region4d.studies.finished import FinishedStudy
    from region4d.terminal import quiet_transformers

    quiet_transformers()
    on = flags.torch_device(device)
    geometry = GeometrySource(depth_model=depth_model, device=on)
    geometry.provider()  # a wrong name ends here, not at the first upload
    studies = tuple(map(FinishedStudy, study or ()))
    clicks = None if segmenter is None else open_segmenter(segmenter, "click", on)
    with get_console().status("loading models"):
        systems = [System.load(name, device or str(on), dtype, bits) for name in names]
    frames = systems[0].frames
    settings = Settings(
        tuple(folder or ()),
        max_upload_mb,
        max_seconds,
        frames,
        geometry,
        studies=studies,
        segmenter=clicks,
        lift_model=lift_model,
        probes=tuple(probe or ()),
        mcp=mcp,
    )
    with served(systems, settings, host, port) as address:
        typer.echo(f"region4d: {address} (Ctrl-C ends)", err=True)
        _wait()


def _wait() -> None:
    import signal
    import threading

    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    ended.wait()
