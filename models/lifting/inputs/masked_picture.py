"""One object in its picture: what the networks see of it, and what the picture says of its lifted mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import Extent, Normalizer, ObjectNormalizer, PointMap, invert, transform_points
from models.lifting.inputs.crops import ObjectViews, make_views
from models.lifting.inputs.evidence import Evidence
from models.lifting.inputs.visibility import fit_intrinsics, visible_colours

EVIDENCE = 2000  # visible points that are compared with a surface, at most


@dataclass(frozen=True)
class MaskedPicture:
    """A picture (RGB in [0, 1]), the mask of one object in it, and camera points (metres) where there are any.

    Raises ValueError where mask, picture and points do not cover the same pixels, the mask is empty, or the points are
    not in the camera frame.
    """

    image: Float[Tensor, "3 _ _"]
    mask: Bool[Tensor, "_ _"]
    points: PointMap | None

    def __post_init__(self) -> None:
        size = tuple(self.image.shape[1:])
        if tuple(self.mask.shape) != size:
            raise ValueError(
                f"the mask has {tuple(self.mask.shape)} pixels and its picture {size} (height, width): give a mask of "
                "the picture's size"
            )
        if not bool(self.mask.any()):
            raise ValueError("the mask is empty: mark the pixels of the object")
        if self.points is not None and (self.points.frame != "cam" or tuple(self.points.valid.shape) != size):
            raise ValueError(
                f"lifting needs points in the frame 'cam' for {size} pixels, got {self.points.frame!r} points for "
                f"{tuple(self.points.valid.shape)}"
            )

    def views(
        self, average: Normalizer, image_size: int, point_size: int, extent: Extent = "scene"
    ) -> tuple[ObjectViews, Normalizer]:
        """Fit the object's normaliser, or take the `average` one where there are no points, and cut the views.

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
        """The camera, out of the points."""
        if self.points is None:
            raise ValueError("a picture without points has no known camera: give a point map")
        return fit_intrinsics(self.points)

    @cached_property
    def evidence(self) -> Evidence:
        """What the points say of the object."""
        if self.points is None:
            raise ValueError("a picture without points says nothing of where things are: give a point map")
        return Evidence.of(self.points, self.mask, self.intrinsics)

    def colours(
        self, xyz: Float[Tensor, "point 3"], tolerance: int | float
    ) -> tuple[Float[Tensor, "point 3"], Bool[Tensor, "point"]]:
        """Look camera points up in the picture, see `visible_colours`; without a point map none is seen."""
        if self.points is None:
            return torch.zeros_like(xyz), torch.zeros_like(xyz[:, 0], dtype=torch.bool)
        return visible_colours(xyz, self.image, self.mask, self.points, self.intrinsics, tolerance)

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
        count = min(len(visible), EVIDENCE)
        visible = visible[torch.arange(count) * len(visible) // count]
        in_cube = transform_points(visible, invert(cam_T_obj)) / scale
        return float((torch.cdist(in_cube, vertices).amin(1) < near).float().mean())
