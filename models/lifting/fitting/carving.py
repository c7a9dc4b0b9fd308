"""What a picture shows to be empty, taken out of a lifted shape: space carving (Kutulakos and Seitz, IJCV 2000)."""

from __future__ import annotations

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.geometry import voxel_centres
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.inputs.evidence import Evidence
from models.lifting.networks.grid import TRUNCATION

MARGIN = 1.0  # voxels that carving leaves before the seen surface, which has noise and the grid its resolution


def carve(inside: Float[Tensor, "x y z"], evidence: Evidence, fit: Fit) -> Float[Tensor, "x y z"]:
    """Take observed free space, and what is below the support of an upright shape, out of a field.

    Args:
        inside: the field of the shape in its cube, positive inside, in truncated distances.
        evidence: what the picture shows of the object.
        fit: place of the cube in the camera.
    """
    side = len(inside)
    voxel = fit.scale / side
    centres = rearrange(voxel_centres(side, torch.zeros((), dtype=torch.float64)), "x y z c -> (x y z) c")
    xyz = fit.to_camera(centres.numpy())
    empty = evidence.clearance(xyz)
    floor = evidence.floor(fit.up)
    if floor is not None:
        empty = empty.clip(min=-floor.height(xyz))
    field = torch.from_numpy((MARGIN - empty / voxel) / TRUNCATION).clamp(-1, 1).reshape(inside.shape)
    return torch.minimum(inside, field.to(inside))
