"""Batches of masked objects: what a model sees of them, and the truth as latents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import default_collate

from models.geometry import Normalizer, ObjectNormalizer, PointMap, unproject
from models.lifting.crops import ObjectViews, make_views
from models.lifting.grid import truncated_distance
from models.lifting.model import LiftingModel
from models.lifting.pose_encoding import encode_pose
from scenes.masked_objects import MaskedObject

Batch = Mapping[str, Tensor]  # the tensors of masked objects, stacked


def tensors_of(item: MaskedObject) -> dict[str, Tensor]:
    """Take what a batch holds of a masked object."""
    return {key: value for key, value in vars(item).items() if isinstance(value, Tensor)}


def fields_of(distance: Float[Tensor, "object x y z"], fields: Sequence[str]) -> Float[Tensor, "object field x y z"]:
    """Make a VAE's input of signed distances (units of the cube)."""
    made = {"occupancy": (distance <= 0).float(), "distance": truncated_distance(distance)}
    return torch.stack([made[field] for field in fields], 1)


def points_of(batch: Batch) -> PointMap:
    """Unproject the depth of a batch."""
    return unproject(batch["depth"], batch["intrinsics"])


def fit_normalizers(points: PointMap, masks: Bool[Tensor, "object height width"]) -> list[Normalizer | None]:
    """Fit each object's normaliser; None where no valid point lies under its mask."""
    found: list[Normalizer | None] = []
    for xyz, valid, mask in zip(points.xyz, points.valid, masks, strict=True):
        known = bool((valid & mask).any())
        found.append(ObjectNormalizer.fit(PointMap(xyz, valid, points.frame), mask) if known else None)
    return found


def views_of(batch: Batch, model: LiftingModel, dropped: Bool[Tensor, "object"]) -> tuple[ObjectViews, Normalizer]:
    """Cut the views of a batch; objects that are `dropped`, or have no point, get none and the average normaliser."""
    points = points_of(batch)
    average = model.mean_normalizer()
    fitted = [
        average if lost or one is None else one
        for one, lost in zip(fit_normalizers(points, batch["mask"]), dropped.tolist(), strict=True)
    ]
    without = torch.tensor([one is average for one in fitted], device=points.xyz.device)
    normalizer = Normalizer(torch.stack([one.scale for one in fitted]), torch.stack([one.shift for one in fitted]))
    known = PointMap(points.xyz, points.valid & ~without[:, None, None], points.frame)
    sizes = {"image_size": model.image_size, "point_size": model.conditioner.point_encoder.size}
    return make_views(batch["image"] / 255, batch["mask"], normalizer.apply(known), **sizes), normalizer


@torch.no_grad()
def truth_of(batch: Batch, model: LiftingModel, normalizer: Normalizer) -> dict[str, Tensor]:
    """Encode the true shapes and poses of a batch as latents."""
    shape = model.vae.encode_tokens(fields_of(batch["distance"], model.vae.fields))
    return {"shape": shape, **encode_pose(batch["cam_T_obj"], batch["scale"], normalizer)}


@torch.no_grad()
def fit_average(model: LiftingModel, items: Sequence[dict[str, Tensor]]) -> None:
    """Fit the normaliser of an average object: geometric mean of the scales, mean of the shifts."""
    batch = default_collate(list(items))
    fitted = [one for one in fit_normalizers(points_of(batch), batch["mask"]) if one is not None]
    model.mean_scale.copy_(torch.stack([one.scale for one in fitted]).log().mean().exp())
    model.mean_shift.copy_(torch.stack([one.shift for one in fitted]).mean(0))
