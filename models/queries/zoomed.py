"""Footage that shows its regions enlarged, each in a picture of its own."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from einops import rearrange
from jaxtyping import Bool, Int64, UInt8
from torch import Tensor

from models.geometry import PointMap
from models.queries.query import Footage
from models.queries.shown import ShownFootage
from models.regions import Region

AROUND = 1.5  # sides of a crop, in sides of the box of its region
SMALLEST = 16  # pixels: shorter side of a crop, unless the frame is smaller
Window = tuple[int, int, int, int]  # top, left, height, width; pixels


def first_frame(region: Region) -> int:
    """Find the first frame that shows a region."""
    return min(frame for frame, mask in region.masks.items() if bool(mask.any()))


def box_of(mask: Bool[Tensor, "height width"]) -> tuple[int, int, int, int]:
    """Measure the box (x0, y0, x1, y1; pixels, the ends exclusive) of the marked pixels."""
    rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def window_of(mask: Bool[Tensor, "height width"]) -> Window:
    """Choose the window of a crop: the shape of the frame, about 1.5 times the box of the region, inside the frame."""
    height, width = mask.shape
    x0, y0, x1, y1 = box_of(mask)
    share = max(AROUND * (y1 - y0) / height, AROUND * (x1 - x0) / width, SMALLEST / min(height, width))
    tall, wide = (round(min(share, 1.0) * side) for side in (height, width))
    top = min(max(0, round((y0 + y1 - tall) / 2)), height - tall)
    left = min(max(0, round((x0 + x1 - wide) / 2)), width - wide)
    return top, left, tall, wide


def with_crops(clip: Footage, regions: Sequence[Region]) -> tuple[Footage, list[int]]:
    """Show every region enlarged, right after the first frame that shows it.

    A crop has the size, the time and the camera pose of its frame, and the points of its pixels, so that it is another
    view from the same place.

    Returns:
        The footage, and for every region the index of its picture.
    """
    first = [first_frame(region) for region in regions]
    after = {t: [k for k, frame in enumerate(first) if frame == t] for t in range(len(clip.video))}
    sources: list[tuple[int, int | None]] = [(t, k) for t, crops in after.items() for k in (None, *crops)]
    windows = [window_of(region.masks[frame]) for region, frame in zip(regions, first, strict=True)]
    pictures = [clip.video[t] if k is None else enlarged(clip.video[t], windows[k]) for t, k in sources]
    frames = torch.tensor([t for t, _ in sources])

    def points() -> PointMap | None:
        whole = clip.points()
        if whole is None:
            return None
        views = [whole[t] if k is None else points_in(whole[t], windows[k]) for t, k in sources]
        xyz, valid = torch.stack([view.xyz for view in views]), torch.stack([view.valid for view in views])
        return PointMap(xyz, valid, whole.frame)

    poses = None if clip.world_T_cam is None else clip.world_T_cam[frames]
    shown = ShownFootage(torch.stack(pictures), clip.seconds[frames], poses, clip.metric, points)
    place = {k: index for index, (_, k) in enumerate(sources) if k is not None}
    return shown, [place[k] for k in range(len(regions))]


def enlarged(frame: UInt8[Tensor, "3 height width"], window: Window) -> UInt8[Tensor, "3 height width"]:
    """Enlarge a window of a frame to the size of the frame (bilinear)."""
    top, left, tall, wide = window
    part = frame[None, :, top : top + tall, left : left + wide].float()
    size = (frame.shape[1], frame.shape[2])
    whole = torch.nn.functional.interpolate(part, size, mode="bilinear", align_corners=False, antialias=False)
    return whole[0].round().clamp(0, 255).to(torch.uint8)


def points_in(points: PointMap, window: Window) -> PointMap:
    """Take the points of an enlarged window: of every pixel, that of the pixel under its centre."""
    top, left, tall, wide = window
    height, width = points.valid.shape
    rows, columns = _under(top, tall, height), _under(left, wide, width)
    return points[rearrange(rows, "row -> row 1"), columns]


def _under(start: int, length: int, size: int) -> Int64[Tensor, "size"]:
    return start + ((torch.arange(size) + 0.5) * length / size).long()
