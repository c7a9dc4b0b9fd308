"""`region4d lift`: masked objects out of a picture, as meshes with their pose."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from region4d import flags

SHIPPED = Path("lift_tiny")  # a name of the checkpoint registry
_SAMPLING = "Sampling"


def lift(
    source: flags.Source,
    region: flags.RegionFlag = None,
    point: flags.PointFlag = None,
    mask: flags.MaskFlag = None,
    click: flags.ClickFlag = None,
    text: flags.TextFlag = None,
    segmenter: flags.SegmenterFlag = None,
    save_masks: flags.SaveMasksFlag = None,
    frames: flags.FramesFlag = None,
    frame: flags.FrameFlag = None,
    partial: flags.PartialFlag = False,
    video_backend: flags.VideoBackendFlag = "pyav",
    depth: flags.DepthFlag = None,
    depth_scale: flags.DepthScaleFlag = None,
    depth_model: flags.DepthModelFlag = None,
    geometry: flags.GeometryFlag = None,
    no_depth: flags.NoDepthFlag = False,
    intrinsics: flags.IntrinsicsFlag = None,
    fov: flags.FovFlag = None,
    model: Annotated[Path, typer.Option(help="lifting model: a shipped name or a folder")] = SHIPPED,
    device: flags.DeviceFlag = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="new folder; by default outputs/lift/NAME")
    ] = None,
    as_json: flags.JsonFlag = False,
    seed: Annotated[
        int, typer.Option(min=0, help="the same seed gives the same object", rich_help_panel=_SAMPLING)
    ] = 0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="of the sampler; 25, or 4 with --shortcut", rich_help_panel=_SAMPLING)
    ] = None,
    guidance: Annotated[
        float | None,
        typer.Option(min=0, help="classifier-free guidance, without --shortcut; 4", rich_help_panel=_SAMPLING),
    ] = None,
    shortcut: Annotated[
        bool | None,
        typer.Option(
            help="few large jumps; default of a model distilled for it, without --steps and --guidance",
            rich_help_panel=_SAMPLING,
        ),
    ] = None,
    fit: Annotated[
        Literal["shape", "pose", "none"] | None,
        typer.Option(
            help="what follows the visible points: shape and pose (default with depth), the pose, nothing",
            rich_help_panel=_SAMPLING,
        ),
    ] = None,
    shape: Annotated[
        Literal["auto", "network", "hull"] | None,
        typer.Option(
            help="the network's shape, what is seen (completed by symmetry; without depth the mask, inflated), or what "
            "agrees better",
            rich_help_panel=_SAMPLING,
        ),
    ] = None,
    best_of: Annotated[
        int | None,
        typer.Option(min=1, help="sample N (8) of each object, keep what most agree on", rich_help_panel=_SAMPLING),
    ] = None,
    choose: Annotated[
        int, typer.Option(min=0, help="sample N candidates of one object, ask for the best", rich_help_panel=_SAMPLING)
    ] = 0,
    choice: Annotated[
        int | None, typer.Option(min=0, help="answer to --choose: 1 to N, 0 for none", rich_help_panel=_SAMPLING)
    ] = None,
) -> None:
    """Lift masked objects out of a picture: GLB, PLY, poses.json, a turntable, and the meshes over the photo.

    A --region with depth marks the object that stands out from the room in the box; without depth, all of its pixels.
    Frame 0 is lifted unless --frame, or @frame of --frames, says otherwise.

    Example:

    region4d worlds --export --seed 6 --count 1 --frames 4 --output rooms

    region4d lift rooms/world-6 --region 0:56,48,116,127 --region 1:129,89,173,166 --output lifted
    """
    flags.refuse_missing(source)
    from models.lifting.checkpoint import load_model
    from region4d.footage import FrameChoice, GeometrySource, parse_pointers, saved_masks
    from region4d.footage.scale import scale_name
    from region4d.lifting.candidates import check_choice
    from region4d.lifting.input import read_input
    from region4d.lifting.options import LiftOptions
    from region4d.lifting.output import shape_line, to_terminal, unit_of
    from region4d.lifting.run import lift_into
    from region4d.terminal import CONSOLE, quiet_transformers
    from scenes.storage.destinations import refuse_unwritable
    from scenes.storage.locks import sole_maker

    quiet_transformers()
    begin = time.perf_counter()
    output = output or Path("outputs/lift") / source.resolve().stem
    refuse_unwritable(output)
    if save_masks is not None:
        refuse_unwritable(save_masks)
    options = LiftOptions(steps, guidance, shortcut, fit, best_of, choose, seed, shape)
    pointers = parse_pointers(region or [], point or [], mask or [], click or [], text or [])
    check_choice(choose, choice, len({pointer.index for pointer in pointers}))
    choice_of_frames = FrameChoice(frames, (frame or 0) if frames is None else frame, partial, video_backend)
    on = flags.torch_device(device)
    origin = GeometrySource(depth, depth_scale, depth_model, no_depth, intrinsics, fov, geometry, on)
    with sole_maker(output):
        given = read_input(source, choice_of_frames, pointers, origin, segmenter)
        networks = load_model(model).to(on)
        if save_masks is not None and given.clip is not None:
            saved_masks.save_masks(save_masks, given.clip, [{0: each} for each in given.masks])
        lifted = lift_into(output, networks, model, given, options, choice)
    for note in lifted.notes:
        typer.echo(note, err=True)
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "output": str(output),
                    "seconds": round(lifted.seconds, 3),
                    "scale": scale_name(given.depth, given.metric),
                    "depth": given.depth,
                    "objects": lifted.facts,
                    "regions": given.regions,
                    "notes": list(lifted.notes),
                }
            )
        )
        return
    if lifted.facts:
        CONSOLE.print(to_terminal(lifted.facts, unit_of(given)))
        for fact in lifted.facts:
            CONSOLE.print(shape_line(fact), soft_wrap=True, markup=False, highlight=False)
    CONSOLE.print(f"{output}: {', '.join(lifted.files)}", soft_wrap=True)
    CONSOLE.print(f"{lifted.count} lifted in {lifted.seconds:.1f} s; {time.perf_counter() - begin:.1f} s in all")
