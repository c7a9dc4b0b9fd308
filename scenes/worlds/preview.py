"""Pictures of clips with their truth: colour, depth, flow and instances side by side, as PNG or video."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import torch
from einops import rearrange, reduce
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from scenes.clip import Clip
from scenes.drawing.regions import contact_sheet
from scenes.storage.atomic import new_file

PANELS = ("colour", "depth", "backward flow", "instances", "normals")
TICKS = Fraction(1, 1000)  # seconds in one unit of video time


def panels(clip: Clip, shrink: int = 1) -> UInt8[Tensor, "panel time 3 height width"]:
    """Draw a clip of a world in the order of PANELS, every `shrink` x `shrink` pixels averaged to one."""
    truth = clip.truth
    if truth is None or clip.depth is None or truth.normals is None or truth.backward_flow is None:
        raise ValueError(f"{clip.name or 'the clip'} lacks depth, normals or flow; render all signals to preview it")
    pictures = torch.stack(
        [
            clip.video / 255,
            depth_colours(clip.depth),
            flow_colours(truth.backward_flow),
            instance_colours(truth.instances),
            0.5 + 0.5 * truth.normals,
        ]
    )
    small: Tensor = reduce(pictures, "p t c (h a) (w b) -> p t c h w", "mean", a=shrink, b=shrink)
    return (255 * small).round().to(torch.uint8)


def hue(angle: Float[Tensor, "*shape"], strength: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape 3"]:
    """Turn an angle (radians) into a colour of the wheel; at strength 0 it is white."""
    offset = torch.tensor([0.0, 2.0, 4.0]).to(angle) * math.pi / 3
    wheel = (0.5 + 0.62 * torch.cos(angle[..., None] - offset)).clamp(0, 1)
    return 1 - strength[..., None] * (1 - wheel)


def depth_colours(depth: Float[Tensor, "time height width"]) -> Float[Tensor, "time 3 height width"]:
    """Colour depth from near (warm, bright) to far (cool, dark), by its logarithm within the clip."""
    log = depth.log()
    share = (log - log.min()) / (log.max() - log.min()).clamp(min=1e-6)
    stops = torch.tensor(
        [[1.0, 0.92, 0.55], [0.98, 0.55, 0.28], [0.75, 0.2, 0.4], [0.36, 0.1, 0.45], [0.08, 0.05, 0.2]]
    )
    position = share * (len(stops) - 1)
    low = position.long().clamp(max=len(stops) - 2)
    part = (position - low)[..., None]
    return (stops[low] * (1 - part) + stops[low + 1] * part).movedim(-1, 1)


def flow_colours(flow: Float[Tensor, "time 2 height width"]) -> Float[Tensor, "time 3 height width"]:
    """Colour flow by direction (hue) and length (saturation, full at the 98 % quantile of the clip)."""
    length = flow.norm(dim=1)
    full = torch.quantile(length.flatten()[:: max(1, length.numel() // 100_000)], 0.98).clamp(min=1.0)
    return hue(torch.atan2(flow[:, 1], flow[:, 0]), (length / full).clamp(max=1)).movedim(-1, 1)


def instance_colours(instances: UInt8[Tensor, "time height width"]) -> Float[Tensor, "time 3 height width"]:
    """Give each object its own colour; the room is dark."""
    index = torch.arange(256.0)
    table = hue(2.399963 * index, torch.full_like(index, 0.85))  # golden angle: neighbours differ most
    table[0] = 0.13
    return table[instances.long()].movedim(-1, 1)


def preview_sheet(clips: Sequence[Clip], shrink: int = 1) -> Image.Image:
    """Lay out one row of panels for each clip, at its middle frame."""
    pictures = [
        Image.fromarray(rearrange(panel[len(clip) // 2], "c h w -> h w c").numpy())
        for clip in clips
        for panel in panels(clip, shrink)
    ]
    titles = [f"{clip.name} {name}" if k == 0 else name for clip in clips for k, name in enumerate(PANELS)]
    return contact_sheet(pictures, len(PANELS), titles)


def write_preview_video(clip: Clip, path: Path, shrink: int = 1) -> None:
    """Write the panels side by side as H.264 (MPEG-4 where this PyAV lacks it), at the real times of the frames."""
    frames = rearrange(panels(clip, shrink), "p t c h w -> t h (p w) c")
    frames = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]  # codecs want even sizes
    with new_file(path) as draft, av.open(str(draft), "w") as container:
        stream = container.add_stream("libx264" if "libx264" in av.codecs_available else "mpeg4", rate=1000)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = TICKS
        for picture, second in zip(frames, clip.seconds.tolist(), strict=True):
            frame = av.VideoFrame.from_ndarray(picture.contiguous().numpy(), format="rgb24")
            frame.pts, frame.time_base = round(second / TICKS), TICKS
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
