"""`region4d prepare`: footage as an RGB-D folder; clips and label files from the folders of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from region4d.flags import (
    DepthModelFlag,
    DepthScaleFlag,
    DeviceFlag,
    FovFlag,
    FrameFlag,
    FramesFlag,
    GeometryFlag,
    IntrinsicsFlag,
    PartialFlag,
    Source,
)

if TYPE_CHECKING:
    from region4d.labelling.data_sets import DataSet


class FootageByDefault(TyperGroup):
    """`region4d prepare VIDEO ...` is short for `region4d prepare footage VIDEO ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the command where the words do not."""
        named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        rest: list[str] = super().parse_args(ctx, args if named or not args else ["footage", *args])
        return rest


prepare = typer.Typer(
    cls=FootageByDefault,
    help="Estimate the geometry of footage once, as an RGB-D folder that all verbs read (footage); or turn CO3D or "
    "DL3DV into clips and label files for probes.",
)
FRAMES = 16  # of footage, sampled uniformly
Root = Annotated[Path, typer.Argument(metavar="ROOT", help="folder of the data set, in its published layout")]
Output = Annotated[Path, typer.Option("-o", "--output", help="folder for videos/ and labels/")]
Height = Annotated[int, typer.Option("--height", min=1, help="of the clips, pixels")]
Width = Annotated[int, typer.Option("--width", min=1, help="of the clips, pixels")]
MapHeight = Annotated[int, typer.Option("--label-height", min=1, help="of the label maps, pixels")]
MapWidth = Annotated[int, typer.Option("--label-width", min=1, help="of the label maps, pixels")]
Shard = Annotated[
    str, typer.Option(metavar="I/N", help="of N processes that share the work, which one this is; the first is 0/N")
]
Workers = Annotated[
    str, typer.Option(metavar="N", help="processes of this machine, one per GPU where there are any; auto: one per GPU")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="stop after this many clips")]
Depth = Annotated[
    Path | None,
    typer.Option(
        "--depth",
        help="folder with the depth of each clip that another program wrote: NAME.npz, NAME.safetensors or NAME/, with "
        "`depth` for each picture of videos/NAME, in the unit of the cameras",
    ),
]
LabelsBy = Annotated[
    str | None,
    typer.Option(
        "--geometry",
        help="a multi-view model that gives depth, cameras and confidence of all frames: vggt:WEIGHTS@CHECKOUT, as the "
        "published labels, or mapanything:MODEL\\[@CHECKOUT]",
    ),
]


@prepare.command()
def footage(
    source: Source,
    geometry: GeometryFlag = None,
    depth_model: DepthModelFlag = None,
    frames: FramesFlag = None,
    frame: FrameFlag = None,
    partial: PartialFlag = False,
    depth_scale: DepthScaleFlag = None,
    intrinsics: IntrinsicsFlag = None,
    fov: FovFlag = None,
    device: DeviceFlag = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="new folder; outputs/footage/NAME")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="draw four frames and their points, from one viewpoint, into this file")
    ] = None,
) -> None:
    """Prepare a video, a picture or a folder: estimate depth, camera and poses once, and write an RGB-D folder.

    ask, lift, training and benchmarks read it. 16 frames are sampled unless --frames or --frame says otherwise. The
    same command continues after an interruption where a depth model takes single frames. --picture shows the points of
    four frames from one viewpoint; it needs camera poses.

    Example:

    region4d prepare room.mp4 --geometry mapanything:vggt@map-anything -o room
    """
    from rich import get_console
    from rich.progress import Progress

    from region4d.flags import torch_device
    from region4d.footage import FrameChoice, GeometrySource
    from region4d.footage.preparing import prepare_footage
    from region4d.terminal import quiet_transformers

    quiet_transformers()
    output = output or Path("outputs/footage") / source.resolve().stem
    choice = FrameChoice(FRAMES if frames is None and frame is None else frames, frame, partial)
    origin = GeometrySource(None, depth_scale, depth_model, False, intrinsics, fov, geometry, torch_device(device))
    with Progress(transient=True, disable=not get_console().is_interactive) as progress:
        bar = progress.add_task("estimating geometry", total=None)
        located = prepare_footage(
            source,
            output,
            choice,
            origin,
            lambda done, total: progress.update(bar, completed=done, total=total),
            picture,
        )
    clip = located.clip
    if len(clip) > 1:
        for note in origin.pose_notes:
            typer.echo(note, err=True)
    unit = "in metres" if clip.metric else "of unknown scale"
    poses = "with camera poses" if clip.world_T_cam is not None else "without camera poses"
    typer.echo(f"{output}: {len(clip)} frames {poses}; depth of {located.depth}, {unit}; camera: {located.camera}")


@prepare.command()
def co3d(
    root: Root,
    category: Annotated[list[str] | None, typer.Option(help="such as apple; repeatable, all by default")] = None,
    set_list: Annotated[str | None, typer.Option(help="only sequences of this list, such as fewview_dev")] = None,
    output: Output = Path("outputs/co3d"),
    count: Annotated[int, typer.Option(min=1, help="frames of a clip")] = 81,
    height: Height = 540,
    width: Width = 960,
    label_height: MapHeight = 294,
    label_width: MapWidth = 518,
    depth: Depth = None,
    geometry: LabelsBy = None,
    device: DeviceFlag = None,
    limit: Limit = None,
    shard: Shard = "0/1",
    workers: Workers = "1",
) -> None:
    """Prepare sequences of CO3Dv2: the window of frames, cropped, in which the object is truncated least.

    Labels take CO3D's own depth and cameras, where its depth masks call the depth reliable, unless --depth gives other
    depth, or --geometry other depth and cameras: those of VGGT, with its confidence, are the published labels. Lengths
    are in the unit of each reconstruction. A sequence that does not fit is left out, with its reason; a finished one is
    kept.

    Example: region4d prepare co3d CO3D --category apple --geometry vggt:VGGT-1B@vggt
    """
    from region4d.labelling.data_sets import Co3dClips

    data = Co3dClips(root, category, set_list, (height, width), count)
    write_clips(data, output, (label_height, label_width), depth, geometry, device, limit, shard, workers)


@prepare.command()
def dl3dv(
    root: Root,
    subset: Annotated[list[str] | None, typer.Option(help="such as 1K; repeatable, all by default")] = None,
    images: Annotated[str, typer.Option(help="folder of pictures in each scene")] = "images_4",
    output: Output = Path("outputs/dl3dv"),
    count: Annotated[int, typer.Option(min=1, help="frames of a clip")] = 150,
    seed: Annotated[int, typer.Option(min=0, help="of each clip's first frame")] = 0,
    height: Height = 540,
    width: Width = 960,
    label_height: MapHeight = 294,
    label_width: MapWidth = 518,
    depth: Depth = None,
    geometry: LabelsBy = None,
    device: DeviceFlag = None,
    limit: Limit = None,
    outliers: Annotated[bool, typer.Option("--outliers", help="keep the 13 scenes that the study drops")] = False,
    shard: Shard = "0/1",
    workers: Workers = "1",
) -> None:
    """Prepare scenes of DL3DV-10K: consecutive frames from a random start, without the outliers of the study.

    DL3DV has cameras but no depth. --geometry labels the clips by a model: VGGT, as published. Without it, the first
    run writes the pictures; estimate their depth with a program of your choice, then run the same command with --depth,
    which writes the labels.

    Example: region4d prepare dl3dv DL3DV --subset 1K --geometry vggt:VGGT-1B@vggt
    """
    from region4d.labelling.data_sets import Dl3dvClips

    data = Dl3dvClips(root, subset, images, (height, width), count, seed, outliers)
    if dropped := data.dropped:
        typer.echo(f"dropped as in the published study (--outliers keeps them): {', '.join(dropped)}", err=True)
    write_clips(data, output, (label_height, label_width), depth, geometry, device, limit, shard, workers)


def write_clips(
    data: DataSet,
    output: Path,
    label_size: tuple[int, int],
    depth: Path | None,
    geometry: str | None,
    device: str | None,
    limit: int | None,
    shard: str,
    workers: str,
) -> None:
    """Prepare and write the clips of a data set, in this process or in several, with a progress bar."""
    from rich import get_console
    from rich.progress import Progress

    from region4d.labelling.origins import LabelOrigin
    from region4d.labelling.writing import Preparation, summary, write_shard, write_together
    from region4d.workers import count_workers

    processes = count_workers(workers, device is None, "--workers ")
    if processes > 1 and shard != "0/1":
        raise ValueError(f"--workers {workers} with --shard {shard}: give one of them")
    asked = Preparation(data, LabelOrigin(data.has_depth, depth, geometry, device), output, label_size, limit)
    clips = len(asked.share(shard))
    with Progress(transient=True, disable=not get_console().is_interactive) as progress:
        bar = progress.add_task("preparing", total=clips)
        if processes > 1:
            tally = write_together(asked, processes, lambda done: progress.advance(bar, done))
        else:
            tally = write_shard(asked, shard, lambda done: progress.advance(bar, done))
    typer.echo(summary(asked, tally, clips))
