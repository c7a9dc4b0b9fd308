"""`region4d worlds`: look at procedural worlds, or export them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from region4d.flags import DeviceFlag, torch_device

if TYPE_CHECKING:
    from scenes.clip import Clip

SHARPNESS = 2  # previews are rendered this much larger and averaged down


def worlds(
    seed: Annotated[int, typer.Option(help="seed of the first world", min=0, max=2**40)] = 0,
    count: Annotated[int, typer.Option(help="number of worlds, with consecutive seeds", min=1, max=1_000_000)] = 6,
    frames: Annotated[int, typer.Option(help="frames of each clip", min=1, max=10_000)] = 16,
    height: Annotated[int, typer.Option(help="pixels", min=16, max=8192)] = 192,
    width: Annotated[int, typer.Option(help="pixels", min=16, max=8192)] = 256,
    motion: Annotated[bool, typer.Option(help="let objects move")] = False,
    device: DeviceFlag = "cpu",
    export: Annotated[bool, typer.Option(help="write RGB-D folders instead of a preview")] = False,
    output: Annotated[Path, typer.Option("-o", "--output", help="folder for the files")] = Path(
        "outputs/worlds_preview"
    ),
) -> None:
    """Preview worlds as a contact sheet and videos of colour, depth, flow, instances; or export RGB-D folders.

    Example: region4d worlds --export --seed 6 --count 1 --frames 4 --output rooms
    """
    from rich.progress import track

    from scenes.drawing.regions import save_picture
    from scenes.storage.locks import sole_writer
    from scenes.worlds import WorldConfig, make_world, render
    from scenes.worlds.preview import preview_sheet, write_preview_video

    larger = 1 if export else SHARPNESS
    config = WorldConfig(height=larger * height, width=larger * width, frames=frames, motion=motion)
    where = str(torch_device(device))
    with sole_writer(output):
        clips = []
        for each in track(range(seed, seed + count), description="rendering"):
            (clip,) = render([make_world(each, config)], where, signals=() if export else ("normals", "backward_flow"))
            if export:
                export_world(clip, output / clip.name)
            else:
                write_preview_video(clip, output / f"{clip.name}.mp4", larger)
                clips.append(clip)
        if clips:
            save_picture(preview_sheet(clips, larger), output / "sheet.png")
    if export:
        typer.echo(f"{count} RGB-D folders in {output}")
        return
    typer.echo(f"{output / 'sheet.png'} and {count} videos beside it")


def export_world(clip: Clip, folder: Path) -> None:
    """Write a world as an RGB-D folder, unless it is there already.

    Raises:
        FileExistsError: `folder` holds something else.
    """
    from scenes.readers.rgbd import is_rgbd_folder, read_rgbd_folder, write_rgbd_folder
    from scenes.storage.destinations import refuse_existing

    if is_rgbd_folder(folder):
        there = read_rgbd_folder(folder)
        if there.video.shape == clip.video.shape and bool((there.video == clip.video.cpu()).all()):
            return
    refuse_existing(folder)
    write_rgbd_folder(clip, folder)
