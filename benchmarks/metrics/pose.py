"""Errors of camera poses: relative rotations and directions of translation over all pairs of views, and their AUC."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import invert

CONVENTIONS = ("camera", "vidfm3d")
BINS = ("one_degree", "vidfm3d")


def relative_pose_errors(
    pred_cam_T_world: Float[Tensor, "*batch view 4 4"],
    true_cam_T_world: Float[Tensor, "*batch view 4 4"],
    convention: str = "camera",
) -> tuple[Float[Tensor, "*batch pair"], Float[Tensor, "*batch pair"]]:
    """Compare the relative poses of all pairs of views i < j: rotation and translation errors, degrees.

    "camera" compares cam_j_T_cam_i = E_j E_i^-1. "vidfm3d" compares E_i^-1 E_j, as the published code does: its
    translation errors depend on the world frame, even if both sides share it, and are comparable only in the published
    one (camera 0 is the world). The translation error is the angle between directions without sign, 0 to 90 degrees; a
    translation of length 0 has no direction and counts as 90.
    Source: specs/vidfm3d.md section 4; VGGT (arXiv 2503.11651) for the unsigned angle.

    Raises:
        ValueError: the convention is unknown, or there are fewer than two views.
    """
    if convention not in CONVENTIONS:
        raise ValueError(f"convention={convention!r} is unknown: choose one of {', '.join(CONVENTIONS)}")
    views = pred_cam_T_world.shape[-3]
    if views < 2:
        raise ValueError(f"relative poses need two views or more, got {views}")
    i, j = torch.triu_indices(views, views, 1, device=pred_cam_T_world.device)

    def relative(cam_T_world: Tensor) -> Tensor:
        first, second = (cam_T_world.double()[..., k, :, :] for k in (i, j))
        return second @ invert(first) if convention == "camera" else invert(first) @ second

    pred, true = relative(pred_cam_T_world), relative(true_cam_T_world)
    rotation = rotation_angle(pred[..., :3, :3], true[..., :3, :3])
    translation = direction_angle(pred[..., :3, 3], true[..., :3, 3])
    return rotation.to(pred_cam_T_world), translation.to(pred_cam_T_world)


def rotation_angle(first: Float[Tensor, "*batch 3 3"], second: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch"]:
    """Measure the angle (degrees) between two rotations; precise for small angles too."""
    between = first.transpose(-1, -2) @ second
    sine = torch.stack(
        [
            between[..., 2, 1] - between[..., 1, 2],
            between[..., 0, 2] - between[..., 2, 0],
            between[..., 1, 0] - between[..., 0, 1],
        ],
        -1,
    ).norm(dim=-1)
    cosine = between.diagonal(dim1=-1, dim2=-2).sum(-1) - 1
    return torch.atan2(sine, cosine).rad2deg()  # sine and cosine are both doubled


def direction_angle(first: Float[Tensor, "*batch 3"], second: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch"]:
    """Measure the angle (degrees, 0 to 90) between two directions without sign; 90 where one has length 0."""
    sine = torch.linalg.cross(first, second).norm(dim=-1)
    cosine = (first * second).sum(-1).abs()
    return torch.where(sine + cosine > 0, torch.atan2(sine, cosine), torch.pi / 2).rad2deg()


def pose_auc(
    errors_deg: Float[Tensor, "*batch pair"], threshold_deg: int, bins: str = "one_degree"
) -> Float[Tensor, "*batch"]:
    """Measure the area under the recall curve of pose errors up to a threshold.

    The error of a pair is the larger of its rotation and translation errors. "one_degree" averages recall over bins of
    1 degree, as PoseDiffusion and VGGT do. "vidfm3d" follows the published code: the first `threshold_deg` of 31 bins
    of 30/31 degrees, so that AUC@5 ends at 4.84 degrees and AUC@30 at 29.03. The two are not comparable.
    Source: specs/vidfm3d.md section 4.

    Raises:
        ValueError: the bins are unknown, there are no pairs, or the threshold is not 1 to 30 degrees.
    """
    if bins not in BINS:
        raise ValueError(f"bins={bins!r} is unknown: choose one of {', '.join(BINS)}")
    if not errors_deg.shape[-1] or not 1 <= threshold_deg <= 30:
        raise ValueError(
            f"an AUC needs one pair or more and a threshold of 1 to 30 degrees, got {errors_deg.shape[-1]} pairs and "
            f"{threshold_deg} degrees"
        )
    width = 1.0 if bins == "one_degree" else 30 / 31
    edges = width * torch.arange(1, threshold_deg + 1, device=errors_deg.device, dtype=torch.float64)
    errors = errors_deg.double()[..., None]
    below = errors < edges
    if bins == "one_degree":
        below[..., -1] |= errors[..., 0] == threshold_deg  # the last bin of a histogram includes its upper edge
    return below.double().mean((-2, -1)).to(errors_deg)
