"""`region4d prepare`: footage as an RGB-D folder; clips and label files from the folders of a data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
    from probes.clips.preparation import Prepared


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
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="stop after this many clips")]
Depth = Annotated[
    Path | None,
    typer.Option(
        "--depth",
        help="folder with the depth of each clip that another program wrote: NAME.npz, NAME.safetensors or NAME/, with "
        "`depth` for each picture of videos/NAME, in the unit of the cameras",
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
    limit: Limit = None,
    shard: Shard = "0/1",
) -> None:
    """Prepare sequences of CO3Dv2: the window of frames, cropped, in which the object is truncated least.

    Labels take CO3D's own depth, where its depth masks call it reliable, unless --depth gives other. Lengths are in
    the unit of each reconstruction. A sequence that does not fit is left out, with its reason; a finished one is kept.

    Example: region4d prepare co3d CO3D --category apple --limit 10
    """
    from probes.clips.preparation import prepare_co3d
    from scenes.datasets.co3d import list_co3d, list_co3d_categories

    sequences = [
        sequence for name in (category or list_co3d_categories(root)) for sequence in list_co3d(root, name, set_list)
    ]
    clips = {
        sequence.name: lambda sequence=sequence: prepare_co3d(sequence, (height, width), count, depth is None)
        for sequence in sequences
    }
    write_all(share(clips.items(), limit, shard), output, (label_height, label_width), depth, True, shard)


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
    limit: Limit = None,
    outliers: Annotated[bool, typer.Option("--outliers", help="keep the 13 scenes that the study drops")] = False,
    shard: Shard = "0/1",
) -> None:
    """Prepare scenes of DL3DV-10K: consecutive frames from a random start, without the outliers of the study.

    DL3DV has cameras but no depth. The first run writes the pictures; estimate their depth with a program of your
    choice, then run the same command with --depth, which writes the labels.

    Example: region4d prepare dl3dv DL3DV --subset 1K --limit 10
    """
    from probes.clips.preparation import prepare_dl3dv
    from probes.clips.splits import without_outliers
    from scenes.datasets.dl3dv import list_dl3dv

    scenes = {scene.name: scene for scene in list_dl3dv(root, subset, images)}
    names = list(scenes) if outliers else without_outliers(list(scenes))
    if dropped := sorted(set(scenes) - set(names)):
        typer.echo(f"dropped as in the published study (--outliers keeps them): {', '.join(dropped)}", err=True)
    clips = {name: lambda scene=scenes[name]: prepare_dl3dv(scene, (height, width), count, seed) for name in names}
    write_all(share(clips.items(), limit, shard), output, (label_height, label_width), depth, False, shard)


def share(
    clips: Iterable[tuple[str, Callable[[], Prepared]]], limit: int | None, shard: str
) -> list[tuple[str, Callable[[], Prepared]]]:
    """Take the clips of one of several processes: every n-th of the first `limit`.

    Raises:
        ValueError: the shard is not I/N with I below N.
    """
    index, slash, count = shard.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise ValueError(f"--shard {shard} is not I/N; give 0/2 to the first of two processes, and 1/2 to the second")
    return list(clips)[:limit][int(index) :: int(count)]


def write_all(
    clips: Sequence[tuple[str, Callable[[], Prepared]]],
    output: Path,
    label_size: tuple[int, int],
    depth: Path | None,
    own_depth: bool,
    shard: str,
) -> None:
    """Prepare and write clips one by one; a finished clip is kept, one that does not fit is left out."""
    from scenes.storage.locks import sole_writer

    if depth is not None and not depth.is_dir():
        raise FileNotFoundError(f"no folder of depth '{depth}'")
    with sole_writer(output, f".{shard.replace('/', '-of-')}.lock"):
        _write_each(clips, output, label_size, depth, own_depth or depth is not None)


def _write_each(
    clips: Sequence[tuple[str, Callable[[], Prepared]]],
    output: Path,
    label_size: tuple[int, int],
    depth: Path | None,
    labelled: bool,
) -> None:
    from rich.progress import track

    from models.providers import GeometryFiles
    from probes.clips.object_window import Unsuitable
    from probes.clips.prepared_files import is_written, write_prepared

    written, left_out = 0, 0
    for name, make in track(clips, description="preparing"):
        if is_written(output, name, labelled):
            written += 1
            continue
        try:
            prepared = make()
        except Unsuitable as reason:
            typer.echo(str(reason), err=True)
            left_out += 1
            continue
        write_prepared(prepared, output, None if depth is None else GeometryFiles(_depth_of(depth, name)), label_size)
        written += 1
    if clips and not written:
        raise ValueError(f"none of {left_out} videos can be prepared; try fewer frames (--count) or a smaller --height")
    kind = "clips with labels" if labelled else "clips; estimate their depth and add --depth to write the labels"
    typer.echo(f"{output}: {written} {kind} ({left_out} left out)")


def _depth_of(folder: Path, name: str) -> Path:
    """Find the cached depth of a clip."""
    from models.providers.geometry_files import SUFFIXES

    candidates = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
    return next((path for path in candidates if path.is_file()), folder / name)
