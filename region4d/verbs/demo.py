"""`region4d demo`: all four systems on procedural worlds, with shipped checkpoints."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from region4d import flags

SEED = 20_000_000  # no shipped checkpoint was trained on worlds from here on
FRAMES, HEIGHT, WIDTH = 4, 192, 256


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="new folder for pictures and index.html")] = Path(
        "outputs/demo"
    ),
    seed: Annotated[
        int, typer.Option(min=0, help="of the worlds; shipped checkpoints were trained on some below 9,000,000")
    ] = SEED,
    as_json: flags.JsonFlag = False,
) -> None:
    """Show all four systems on procedural worlds, with shipped checkpoints: ask, perceive in 4D, lift, probe.

    Prints every answer with the truth beside it, and writes pictures and an index.html that names them.

    Example: region4d demo -o demo
    """
    from region4d.doctor.extras import EXTRAS, install_command, missing_modules
    from region4d.terminal import quiet_transformers
    from scenes.storage.atomic import new_folder, write_text
    from scenes.storage.destinations import refuse_unwritable
    from scenes.storage.locks import sole_maker

    begin = time.perf_counter()
    refuse_unwritable(output)
    if missing := missing_modules(EXTRAS["geom"].modules):
        raise ImportError(f"the demo lifts an object, which needs {', '.join(missing)}: {install_command('geom')}")
    quiet_transformers()
    from region4d.demo.asking import show_asking
    from region4d.demo.lifting import show_lifting
    from region4d.demo.perceiving import show_perceiving
    from region4d.demo.probing import show_probing
    from region4d.demo.section import Section, to_html, to_text
    from scenes.drawing.regions import save_picture
    from scenes.worlds import WorldConfig, make_world, render
    from scenes.worlds.preview import preview_sheet

    def step(number: int, what: str) -> None:
        typer.echo(f"{number}/5 {what} ({time.perf_counter() - begin:.0f} s)", err=True)

    with sole_maker(output), new_folder(output) as folder:
        step(1, "rendering a world")
        world = make_world(seed, WorldConfig(height=HEIGHT, width=WIDTH, frames=FRAMES))
        (clip,) = render([world], "cpu", signals=("normals", "backward_flow"))
        save_picture(preview_sheet([clip]), folder / "world.png")
        about = f"A procedural room, seed {seed}: every pixel's depth, flow, instance and normal is known exactly."
        step(2, "asking two models about regions")
        sections = [Section("The world", about, (), ["world.png"]), show_asking(clip, folder)]
        step(3, "perceiving a moving world in 4D")
        sections.append(show_perceiving(seed, folder))
        step(4, "lifting an object")
        sections.append(show_lifting(clip, folder))
        step(5, "probing frozen features")
        sections.append(show_probing(seed + 1, folder))
        write_text(folder / "index.html", to_html(sections))
    seconds = time.perf_counter() - begin
    if as_json:
        facts = {"output": str(output), "index": str(output / "index.html"), "seconds": round(seconds, 1)}
        typer.echo(json.dumps({**facts, "sections": [asdict(section) for section in sections]}))
        return
    typer.echo(to_text(sections))
    typer.echo(f"{seconds:.0f} s; pictures: {output / 'index.html'}", err=True)
