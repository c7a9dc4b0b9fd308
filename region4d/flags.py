"""Flags that several verbs share. Typer reads them when a verb is built, so this file imports nothing heavy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    import torch

# Square brackets are markup in help texts: "\\[" shows one.
_MARKS, _GEOMETRY = "Regions", "Frames and geometry"
Source = Annotated[Path, typer.Argument(metavar="INPUT", help="video, picture, folder of pictures or RGB-D folder")]
RegionFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        help="box in pixels: \\[K:]x0,y0,x1,y1\\[@frame], or xywh:x,y,width,height; repeatable",
        rich_help_panel=_MARKS,
    ),
]
PointFlag = Annotated[
    list[str] | None,
    typer.Option("--point", help="disc in pixels: \\[K:]x,y\\[,radius]\\[@frame]; repeatable", rich_help_panel=_MARKS),
]
MaskFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--mask",
        help="picture, COCO JSON, or folder with one picture a frame: \\[K:]FILE\\[#LABEL]\\[@frame]; repeatable",
        rich_help_panel=_MARKS,
    ),
]
ClickFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--click",
        help="part of an object, in pixels: \\[K:]x,y\\[@frame]; \\[K:]not:x,y is not part of it; needs --segmenter; "
        "repeatable",
        rich_help_panel=_MARKS,
    ),
]
TextFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--text",
        help="an object in words: \\[K:]WORDS\\[@frame]; needs a --segmenter that reads them; repeatable",
        rich_help_panel=_MARKS,
    ),
]
SegmenterFlag = Annotated[
    str | None,
    typer.Option(
        "--segmenter",
        help="SAM 2 or SAM 3 of transformers, a folder or name: masks of --click and --text",
        rich_help_panel=_MARKS,
    ),
]
SaveMasksFlag = Annotated[
    Path | None,
    typer.Option(
        "--save-masks", help="new folder: the masks of all regions, which --mask reads back", rich_help_panel=_MARKS
    ),
]
FramesFlag = Annotated[
    int | None,
    typer.Option("--frames", min=1, help="sample COUNT frames, which @frame counts from 0", rich_help_panel=_GEOMETRY),
]
FrameFlag = Annotated[
    int | None,
    typer.Option("--frame", min=0, help="use this frame of INPUT alone, from 0", rich_help_panel=_GEOMETRY),
]
PartialFlag = Annotated[
    bool,
    typer.Option("--partial", help="read what is left of a cut or damaged video", rich_help_panel=_GEOMETRY),
]
VideoBackend = Literal["pyav", "torchcodec", "decord2", "decord"]  # as scenes.readers.video.BACKENDS
VideoBackendFlag = Annotated[
    VideoBackend,
    typer.Option("--video-backend", help="what decodes the pixels of a video", rich_help_panel=_GEOMETRY),
]
DepthFlag = Annotated[
    Path | None,
    typer.Option(
        "--depth", help="16-bit picture, or .npy in metres, registered to the frame", rich_help_panel=_GEOMETRY
    ),
]
DepthScaleFlag = Annotated[
    float | None,
    typer.Option("--depth-scale", min=1e-9, help="units of the depth in one metre", rich_help_panel=_GEOMETRY),
]
DepthModelFlag = Annotated[
    str | None,
    typer.Option("--depth-model", help="depth model of transformers: a folder or name", rich_help_panel=_GEOMETRY),
]
GeometryFlag = Annotated[
    str | None,
    typer.Option(
        "--geometry",
        help="depth and camera poses: odometry (frames with depth), colmap, mapanything:MODEL\\[@CHECKOUT], "
        "vggt:WEIGHTS@CHECKOUT, a .npz or .safetensors file, or a depth model",
        rich_help_panel=_GEOMETRY,
    ),
]
NoDepthFlag = Annotated[
    bool, typer.Option("--no-depth", help="ignore depth, and estimate none", rich_help_panel=_GEOMETRY)
]
IntrinsicsFlag = Annotated[
    str | None,
    typer.Option("--intrinsics", help="fx,fy,cx,cy in pixels, or a pinhole JSON of Open3D", rich_help_panel=_GEOMETRY),
]
FovFlag = Annotated[
    float | None,
    typer.Option("--fov", min=1, max=179, help="horizontal field of view, degrees", rich_help_panel=_GEOMETRY),
]
DeviceFlag = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda or cuda:N; by default a GPU if there is one")
]
PlacementFlag = Annotated[
    str | None,
    typer.Option("--device", help="cpu, cuda, cuda:N, or auto: spread over the GPUs; by default a GPU if there is one"),
]
DtypeFlag = Annotated[
    Literal["float32", "bfloat16", "float16"] | None,
    typer.Option("--dtype", help="of the model's weights (default: as saved)"),
]
BitsFlag = Annotated[
    int | None, typer.Option("--bits", help="4 or 8: quantise the language model (needs bitsandbytes)")
]
JsonFlag = Annotated[bool, typer.Option("--json", help="print one JSON object instead of text")]


def read_numbers(flag: str, text: str, what: str, *counts: int) -> tuple[float, ...]:
    """Read numbers (pixels) out of `what`, separated by commas; errors name the flag with its whole `text`.

    Raises:
        ValueError: `what` is not a list of numbers, or its length is not one of `counts`.
    """
    try:
        numbers = tuple(float(part) for part in what.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in counts:
        allowed = " or ".join(map(str, counts))
        raise ValueError(f"--{flag} '{text}' needs {allowed} numbers in pixels, separated by commas")
    return numbers


def torch_device(name: str | None) -> torch.device:
    """Resolve the value of --device; None and "auto" take a GPU if there is one.

    Raises:
        ValueError: the name is unknown, or this machine has no such GPU.
    """
    import torch

    if name is None or name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"unknown device '{name}'; use cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"unknown device '{name}'; use cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"no device '{name}': this machine has {torch.cuda.device_count()} GPUs; use --device cpu")
    return device


def refuse_missing(source: Path) -> None:
    """Raise FileNotFoundError where there is no such input, before anything heavy is imported."""
    if not source.exists():
        raise FileNotFoundError(f"no such file or folder: {source}")
