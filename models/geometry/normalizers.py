"""Canonical coordinates: fitted similarities that scale a scene, or the surroundings of an object, to unit size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry.point_map import Frame, PointMap
from models.geometry.rigid import matrix

MAX_FIT_POINTS = 200_000  # more points move a 2 % quantile by less than the noise of any depth
Extent = Literal["scene", "object"]
MIN_SCALE = 1e-6  # metres; keeps a scene that is a single point finite


@dataclass(frozen=True)
class Normalizer:
    """A fitted similarity: canonical = (world - shift) / scale.

    `scale` (metres per canonical unit) and `shift` (metres) are recorded, so that metric answers stay possible. Batch
    axes of `scale` and `shift` are the leading axes of what is mapped: one scene each.
    """

    scale: Float[Tensor, "*scene"]
    shift: Float[Tensor, "*scene 3"]

    def apply(self, points: PointMap) -> PointMap:
        """Normalise a point map. The result is not clipped (see `clip_canonical`), so that it can be inverted."""
        _refuse_canonical(points, "normalise")
        scale, shift = self._like(points.xyz)
        return _masked((points.xyz - shift) / scale, points.valid, "canonical")

    def invert(self, points: PointMap, frame: Frame) -> PointMap:
        """Convert canonical points back to metres; `frame` is the one that the normaliser was fitted in."""
        if points.frame != "canonical":
            raise ValueError(f"only canonical points can be un-normalised, these are in the frame {points.frame!r}")
        scale, shift = self._like(points.xyz)
        return _masked(points.xyz * scale + shift, points.valid, frame)

    def map_pose(self, world_T_obj: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4 4"]:
        """Map a pose to `canonical_T_obj`: R' = R / scale (a similarity), t' = (t - shift) / scale."""
        scale, shift = self._like(world_T_obj[..., 0])
        return matrix(world_T_obj[..., :3, :3] / scale[..., None], (world_T_obj[..., :3, 3] - shift) / scale)

    def unmap_pose(self, canonical_T_obj: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4 4"]:
        """Map a canonical pose back to `world_T_obj`: the inverse of `map_pose`."""
        scale, shift = self._like(canonical_T_obj[..., 0])
        return matrix(canonical_T_obj[..., :3, :3] * scale[..., None], canonical_T_obj[..., :3, 3] * scale + shift)

    def _like(self, vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Align scale and shift with the leading axes of (..., 3 or 4) vectors."""
        lead = self.scale.shape + (1,) * (vectors.ndim - self.shift.ndim)
        return self.scale.to(vectors).reshape(*lead, 1), self.shift.to(vectors).reshape(*lead, 3)


class SceneNormalizer(Normalizer):
    """One isotropic similarity per scene (SR-3D): all its frames together, and before tiling."""

    @classmethod
    def fit(
        cls,
        points: PointMap,
        mode: Literal["scene", "metric"] = "scene",
        quantile: float = 0.02,
        metric_scale: int | float = 3,
    ) -> SceneNormalizer:
        """Fit to all points of one scene: per-axis quantiles lo, hi; shift = (lo + hi) / 2, scale = max(hi - lo) / 2.

        Mode "scene" takes that scale, so the result ignores the global scale of the points; mode "metric" keeps sizes
        comparable between scenes and divides by `metric_scale` (metres). Isotropic: angles survive. Above 200 000
        points an evenly spaced, deterministic subset is used.
        Raises ValueError for canonical points and where no point is valid.
        Source: SR-3D (arXiv 2509.13317) section 3.1 asks for a shared normalised space; the formula is ours.
        """
        _refuse_canonical(points, "fit a scene normaliser to")
        known = _valid_points(points, points.valid, "fit a scene normaliser")
        lo, hi = torch.quantile(known, known.new_tensor([quantile, 1 - quantile]), dim=-1)
        scale = (hi - lo).amax() / 2 if mode == "scene" else known.new_tensor(float(metric_scale))
        return cls(scale.clamp_min(MIN_SCALE), (lo + hi) / 2)


class ObjectNormalizer(Normalizer):
    """An object-centric similarity (SAM 3D): the object at the origin, the scene or the object about one unit large."""

    @classmethod
    def fit(
        cls, points: PointMap, mask: Bool[Tensor, "*batch height width"], extent: Extent = "scene"
    ) -> ObjectNormalizer:
        """Fit to one object: shift = median of its valid points, scale = median of max_axis |P - shift| over `extent`.

        Raises ValueError for canonical points and where the mask holds no valid point.
        Source: SAM 3D (arXiv 2511.16624), the normaliser ObjectCentricSSI of its release, at scene scale; at object
        scale ours, after its OBJECT_NORM_MEDIAN (specs/sam3d.md 2.5): the pose of a small object in a large room is
        then as large a number as that of any other.
        """
        _refuse_canonical(points, "fit an object normaliser to")
        on_object = _valid_points(points, points.valid & mask, "fit an object normaliser: the mask is off the points")
        everywhere = _valid_points(points, points.valid, "fit an object normaliser")
        shift = on_object.median(-1).values
        spread = on_object if extent == "object" else everywhere
        scale = (spread - shift[:, None]).abs().amax(0).median()
        return cls(scale.clamp_min(MIN_SCALE), shift)

    @classmethod
    def fit_each(
        cls,
        points: PointMap,
        masks: Bool[Tensor, "object height width"],
        extent: Extent = "scene",
    ) -> tuple[ObjectNormalizer, Bool[Tensor, "object"]]:
        """Fit as `fit` does to one object in each point map of a batch, without a loop; no point is thinned out.

        Returns:
            The normalisers, not finite where no valid point lies under the mask, and where one does.
        """
        _refuse_canonical(points, "fit object normalisers to")
        on_object = points.valid & masks

        def marked(mask: Tensor) -> Tensor:
            return torch.where(mask[..., None], points.xyz, torch.nan).flatten(1, 2)

        shift = marked(on_object).nanmedian(1).values
        spread = marked(on_object if extent == "object" else points.valid)
        scale = (spread - shift[:, None]).abs().amax(-1).nanmedian(1).values
        return cls(scale.clamp_min(MIN_SCALE), shift), on_object.flatten(1).any(1)


def clip_canonical(points: PointMap) -> PointMap:
    """Clip canonical points to [-1, 1], on a copy: clipping cannot be undone, so it comes last."""
    if points.frame != "canonical":
        raise ValueError(f"only canonical points are clipped, these are in the frame {points.frame!r}: normalise first")
    return PointMap(points.xyz.clamp(-1, 1), points.valid, "canonical")


def _masked(xyz: Tensor, valid: Tensor, frame: Frame) -> PointMap:
    return PointMap(torch.where(valid[..., None], xyz, torch.zeros_like(xyz)), valid, frame)


def _refuse_canonical(points: PointMap, verb: str) -> None:
    if points.frame == "canonical":
        raise ValueError(f"cannot {verb} canonical points: they are normalised already; give points in metres")


def _valid_points(points: PointMap, mask: Tensor, purpose: str) -> Float[Tensor, "3 point"]:
    """Gather the marked points, evenly thinned to at most MAX_FIT_POINTS, as (3, point)."""
    index = mask.flatten().nonzero()[:, 0]
    count = index.numel()
    if not count:
        raise ValueError(f"cannot {purpose}: none of {mask.numel()} pixels has a valid point; give depth > 0")
    if count > MAX_FIT_POINTS:
        index = index[torch.arange(MAX_FIT_POINTS, device=index.device) * count // MAX_FIT_POINTS]
    return points.xyz.reshape(-1, 3).index_select(0, index).T.contiguous()
