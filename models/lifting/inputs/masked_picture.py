"""One object in its picture: the input of the networks, and the evidence about its lifted mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import (
    Extent,
    Normalizer,
    ObjectNormalizer,
    PointMap,
    fit_intrinsics,
    invert,
    transform_points,
)
from models.lifting.inputs.crops import ObjectViews, make_views
from models.lifting.inputs.evidence import Evidence

MAX_SUPPORT_POINTS = 2000  # visible points that are compared with a surface


@dataclass(frozen=True)
class MaskedPicture:
    """A picture (RGB in [0, 1]), the mask of one object in it, its camera points (metres) and its camera, if known.

    `known_intrinsics` are in pixels; None for an unknown camera, which is fitted to the points.
    Raises ValueError where mask, picture and points do not cover the same pixels, the mask is empty, the points are
    not in the camera frame, or the intrinsics are not those of a pinhole.
    """

    image: Float[Tensor, "3 _ _"]
    mask: Bool[Tensor, "_ _"]
    points: PointMap | None
    known_intrinsics: Float[Tensor, "3 3"] | None = None

    def __post_init__(self) -> None:
        size = tuple(self.image.shape[1:])
        if tuple(self.mask.shape) != size:
            raise ValueError(
                f"the mask has {tuple(self.mask.shape)} pixels and its picture {size} (height, width); give a mask of "
                "the picture's size"
            )
        if not bool(self.mask.any()):
            raise ValueError("the mask is empty; mark the pixels of the object")
        if self.points is not None and (self.points.frame != "cam" or tuple(self.points.valid.shape) != size):
            raise ValueError(
                f"lifting needs points in the frame 'cam' for {size} pixels, got {self.points.frame!r} points for "
                f"{tuple(self.points.valid.shape)}"
            )
        if self.known_intrinsics is not None and not _is_pinhole(self.known_intrinsics):
            raise ValueError(
                f"intrinsics must be finite, with positive focal lengths and last row 0 0 1, got "
                f"{self.known_intrinsics.tolist()}"
            )

    def views(
        self, average: Normalizer, image_size: int, point_size: int, extent: Extent = "scene"
    ) -> tuple[ObjectViews, Normalizer]:
        """Fit the object's normaliser, or use the `average` one without points, and cut the views.

        Raises ValueError where no valid point lies under the mask.
        """
        points, normalizer = None, average
        if self.points is not None:
            normalizer = ObjectNormalizer.fit(self.points, self.mask, extent)
            points = normalizer.apply(self.points)[None]
        sizes = {"image_size": image_size, "point_size": point_size}
        return make_views(self.image[None], self.mask[None], points, **sizes), normalizer

    @cached_property
    def intrinsics(self) -> Float[Tensor, "3 3"]:
        """The camera (pixels): the known one, otherwise the least-squares fit to the points."""
        if self.known_intrinsics is not None:
            return self.known_intrinsics
        if self.points is None:
            raise ValueError("the camera of a picture without points is unknown; give intrinsics or a point map")
        return fit_intrinsics(self.points)

    @cached_property
    def evidence(self) -> Evidence:
        """What the points show of the object and its surroundings."""
        if self.points is None:
            raise ValueError("a picture without points is no evidence of where its object is; give a point map")
        return Evidence.of(self.points, self.mask, self.intrinsics)

    def support(
        self,
        vertices: Float[Tensor, "vertex 3"],
        cam_T_obj: Float[Tensor, "4 4"],
        scale: int | float,
        near: int | float,
    ) -> float | None:
        """Measure the share of the object's visible points within `near` of a vertex, in units of its cube.

        None without a point map. At most 2000 evenly spaced points are compared.
        """
        if self.points is None:
            return None
        visible = self.points.xyz[self.points.valid & self.mask]
        count = min(len(visible), MAX_SUPPORT_POINTS)
        visible = visible[torch.arange(count) * len(visible) // count]
        in_cube = transform_points(visible, invert(cam_T_obj)) / scale
        return float((torch.cdist(in_cube, vertices).amin(1) < near).float().mean())


def _is_pinhole(intrinsics: Float[Tensor, "3 3"]) -> bool:
    positive = bool((intrinsics.diagonal()[:2] > 0).all())
    return bool(intrinsics.isfinite().all()) and positive and intrinsics[2].tolist() == [0, 0, 1]
