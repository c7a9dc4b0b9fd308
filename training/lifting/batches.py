"""Batches of masked objects: the input of a lifting model, and the truth as latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import Normalizer, ObjectNormalizer, PointMap, unproject
from models.lifting.inputs.crops import ObjectViews, make_views
from models.lifting.model import LiftingModel
from models.lifting.networks.grid import truncated_distance
from models.lifting.networks.pose_encoding import encode_pose
from scenes.masked_object import MaskedObject

Batch = Mapping[str, Tensor]  # the tensors of masked objects, stacked


def tensors_of(item: MaskedObject) -> dict[str, Tensor]:
    """Select the tensors of a masked object."""
    return {key: value for key, value in vars(item).items() if isinstance(value, Tensor)}


def fields_of(distance: Float[Tensor, "object x y z"], fields: Sequence[str]) -> Float[Tensor, "object field x y z"]:
    """Convert signed distances (units of the cube) to the input of a VAE."""
    channels = {"occupancy": (distance <= 0).float(), "distance": truncated_distance(distance)}
    return torch.stack([channels[field] for field in fields], 1)


def points_of(batch: Batch) -> PointMap:
    """Unproject the depth of a batch (camera frame, metres)."""
    return unproject(batch["depth"], batch["intrinsics"])


def views_of(batch: Batch, model: LiftingModel, dropped: Bool[Tensor, "object"]) -> tuple[ObjectViews, Normalizer]:
    """Cut the views of a batch and fit its normalisers.

    `dropped` objects, and those without a valid point under their mask, get no points and the average normaliser.
    """
    points = points_of(batch)
    average = model.mean_normalizer()
    fitted, has_points = ObjectNormalizer.fit_each(points, batch["mask"], model.extent)
    without = dropped.to(has_points.device) | ~has_points
    normalizer = Normalizer(
        torch.where(without, average.scale, fitted.scale), torch.where(without[:, None], average.shift, fitted.shift)
    )
    kept = PointMap(points.xyz, points.valid & ~without[:, None, None], points.frame)
    sizes = {"image_size": model.image_size, "point_size": model.conditioner.point_encoder.size}
    return make_views(batch["image"] / 255, batch["mask"], normalizer.apply(kept), **sizes), normalizer


@torch.no_grad()
def truth_of(batch: Batch, model: LiftingModel, normalizer: Normalizer) -> dict[str, Tensor]:
    """Encode the true shapes and poses of a batch as latents; shapes that are already encoded (`shape`) stay."""
    shape = batch["shape"] if "shape" in batch else shapes_of(batch["distance"], model)
    return {"shape": shape, **encode_pose(batch["cam_T_obj"], batch["scale"], normalizer)}


@torch.no_grad()
def shapes_of(distance: Float[Tensor, "object x y z"], model: LiftingModel) -> Float[Tensor, "object token feature"]:
    """Encode signed distances (units of the cube) as the tokens that the flow learns."""
    return model.vae.encode_tokens(fields_of(distance.float(), model.vae.fields))


@torch.no_grad()
def fit_average(model: LiftingModel, batch: Batch) -> None:
    """Fit the normaliser of an average object, at scene scale: geometric mean of the scales, mean of the shifts."""
    fitted, has_points = ObjectNormalizer.fit_each(points_of(batch), batch["mask"])
    model.mean_scale.copy_(fitted.scale[has_points].log().mean().exp())
    model.mean_shift.copy_(fitted.shift[has_points].mean(0))
