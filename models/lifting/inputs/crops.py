"""The two views of an object: a square crop about the mask, and the full picture, each as image, mask and points.

All maps are resampled to the nearest pixel, so that points are never blended across an edge and invalid points stay
invalid. Pixels outside the picture are black, unmasked and invalid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap

BOX_FACTOR = 1.2  # side of the crop over the longer side of the mask's box, as released (specs/sam3d.md 2.1)


@dataclass(frozen=True)
class View:
    """One view of objects: RGB in [0, 1], the mask of the object, and canonical points at their own resolution."""

    image: Float[Tensor, "object 3 size size"]
    mask: Bool[Tensor, "object size size"]
    points: PointMap

    def to(self, device: torch.device | str) -> View:
        """Move to a device."""
        return View(self.image.to(device), self.mask.to(device), self.points.to(device))


@dataclass(frozen=True)
class ObjectViews:
    """The two views of each object of a batch: `crop`, without its background, and `full`, the whole picture."""

    crop: View
    full: View

    def __len__(self) -> int:
        return len(self.crop.image)

    def to(self, device: torch.device | str) -> ObjectViews:
        """Move to a device."""
        return ObjectViews(self.crop.to(device), self.full.to(device))

    @classmethod
    def concatenate(cls, views: Sequence[ObjectViews]) -> ObjectViews:
        """Concatenate batches of objects, of the same or other pictures."""

        def join(parts: list[View]) -> View:
            points = PointMap(
                torch.cat([part.points.xyz for part in parts]),
                torch.cat([part.points.valid for part in parts]),
                parts[0].points.frame,
            )
            return View(torch.cat([part.image for part in parts]), torch.cat([part.mask for part in parts]), points)

        return cls(join([view.crop for view in views]), join([view.full for view in views]))


def make_views(
    images: Float[Tensor, "object 3 height width"],
    masks: Bool[Tensor, "object height width"],
    points: PointMap | None,
    *,
    image_size: int = 64,
    point_size: int = 64,
    box_factor: int | float = BOX_FACTOR,
) -> ObjectViews:
    """Cut both views of each object.

    Args:
        images: RGB in [0, 1]; for many objects of one picture, expand it.
        masks: the visible pixels of each object.
        points: canonical points of each object (its own normaliser), or None where there are none.
        image_size: side of images and masks of a view, pixels.
        point_size: side of point maps of a view, pixels.
        box_factor: side of the crop over the longer side of the mask's box.

    Raises:
        ValueError: a mask is empty, or the points are not canonical or not of the images' size.
    """
    if points is None:
        xyz = images.new_zeros(*masks.shape, 3)
        points = PointMap(xyz, torch.zeros_like(masks), "canonical")
    if points.frame != "canonical" or points.valid.shape != masks.shape:
        raise ValueError(
            f"views need canonical points of {tuple(masks.shape)} (object, height, width), got {points.frame} points "
            f"of {tuple(points.valid.shape)}; apply each object's normaliser first"
        )
    height, width = masks.shape[-2:]
    side = max(height, width)
    everything = images.new_tensor([(width - side) / 2, (height - side) / 2, side]).expand(len(masks), 3)
    crops = square_boxes(masks, box_factor).to(images)
    on_object = PointMap(points.xyz, points.valid & masks, points.frame)
    return ObjectViews(
        _cut(images * masks[:, None], masks, on_object, crops, image_size, point_size),
        _cut(images, masks, points, everything, image_size, point_size),
    )


def square_boxes(masks: Bool[Tensor, "object height width"], factor: int | float = 1) -> Float[Tensor, "object 3"]:
    """Fit a square (left, top, side; pixels) about each mask: `factor` times the longer side of its box, same centre.

    A square may extend beyond the picture. Raises ValueError where a mask is empty. Masks on a GPU (in training) are
    not checked, because every step would have to wait for the result.
    """
    if masks.device.type == "cpu" and (empty := (~masks.flatten(1).any(1)).nonzero()[:, 0].tolist()):
        raise ValueError(f"the mask of object {empty[0]} is empty; mark the pixels of the object")
    spans = [_span(masks.any(-2)), _span(masks.any(-1))]  # columns, rows
    side = torch.stack([last - first for first, last in spans]).amax(0) * factor
    left, top = ((first + last - side) / 2 for first, last in spans)
    return torch.stack([left, top, side], -1)


def resample(
    maps: Tensor, boxes: Float[Tensor, "object 3"], size: int
) -> tuple[Tensor, Bool[Tensor, "object size size"]]:
    """Sample (object, height, width, ...) maps at the nearest pixel to each centre of a size x size grid over boxes.

    Returns:
        The resampled maps, with arbitrary values outside the picture, and which pixels are inside it.
    """
    height, width = maps.shape[1:3]
    centre = (torch.arange(size, device=boxes.device) + 0.5) / size
    cols, rows = ((boxes[:, k, None] + centre * boxes[:, 2:]).floor().long() for k in (0, 1))
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((cols >= 0) & (cols < width))[:, None, :]
    index = torch.arange(len(maps), device=maps.device)[:, None, None]
    picked = maps[index, rows.clamp(0, height - 1)[:, :, None], cols.clamp(0, width - 1)[:, None, :]]
    return picked, inside


def _cut(images: Tensor, masks: Tensor, points: PointMap, boxes: Tensor, image_size: int, point_size: int) -> View:
    colour, inside = resample(rearrange(images, "b c h w -> b h w c"), boxes, image_size)
    mask, _ = resample(masks, boxes, image_size)
    xyz, known = resample(points.xyz, boxes, point_size)
    valid = resample(points.valid, boxes, point_size)[0] & known
    return View(
        rearrange(torch.where(inside[..., None], colour, torch.zeros_like(colour)), "b h w c -> b c h w"),
        mask & inside,
        PointMap(torch.where(valid[..., None], xyz, torch.zeros_like(xyz)), valid, points.frame),
    )


def _span(marked: Bool[Tensor, "object pixel"]) -> tuple[Tensor, Tensor]:
    """Find the first and last border of the marked pixels of each row; a single pixel has length 1."""
    index = torch.arange(marked.shape[-1], device=marked.device, dtype=torch.float32)
    first = torch.where(marked, index, torch.inf).amin(-1)
    return first, torch.where(marked, index, -torch.inf).amax(-1) + 1
