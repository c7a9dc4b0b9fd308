"""How well a posed mesh agrees with its picture: silhouette and depth, by rays through the pixels around the object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float

from models.geometry.mesh import Mesh
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.meshes.ray_casting import cast_rays

MAX_RAYS = 96  # along each axis of the window around mask and mesh
DEPTH_TOLERANCE = 0.05  # of the extent: something nearer than the mesh by more hides it


@dataclass(frozen=True)
class Agreement:
    """What a mesh has in common with what is seen of its object.

    `silhouette` is the IoU of its outline and the mask; pixels in which something else stands before the mesh are left
    out. `depth` is the mean difference of its depth from that seen under the mask, in extents of the object, at most 1,
    which is also the difference where the mesh is missing; None for a picture without points.
    """

    silhouette: float
    depth: float | None

    @property
    def disagreement(self) -> float:
        """The sum of what is missing of the silhouette, and the error of depth, if known: 0 for a perfect mesh."""
        return 1 - self.silhouette + (self.depth or 0.0)


def measure_agreement(mesh: Mesh, picture: MaskedPicture) -> Agreement:
    """Measure the agreement of a mesh in the camera frame (metres) with its picture, which has points or a camera.

    Without points, nothing is known to hide the mesh, and the silhouette is compared alone.

    Raises:
        ImportError: open3d is not installed.
    """
    mask = picture.mask.numpy()
    rows, cols = _window(mesh, picture)
    if picture.points is None:
        hit = np.isfinite(cast_depth(mesh, picture.intrinsics.double().numpy(), rows, cols))
        return Agreement(_iou(hit, mask[np.ix_(rows, cols)]), None)
    evidence = picture.evidence
    depth = cast_depth(mesh, evidence.intrinsics, rows, cols)
    inside, seen = mask[np.ix_(rows, cols)], evidence.depth[np.ix_(rows, cols)]
    hit = np.isfinite(depth)
    hidden = hit & ~inside & (seen > 0) & (seen < depth - DEPTH_TOLERANCE * evidence.extent)
    covered = hit & ~hidden
    known = inside & (seen > 0)
    error = np.where(hit, np.abs(np.where(hit, depth, 0.0) - seen) / evidence.extent, 1.0).clip(0, 1)
    return Agreement(
        _iou(covered, inside),
        float(error[known].mean()) if known.any() else 1.0,
    )


def _iou(one: Bool[np.ndarray, "row col"], other: Bool[np.ndarray, "row col"]) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


def cast_depth(
    mesh: Mesh, intrinsics: Float[np.ndarray, "3 3"], rows: np.ndarray, cols: np.ndarray
) -> Float[np.ndarray, "row col"]:
    """Cast a ray through the centres of the pixels in these rows and columns; infinite where it hits nothing."""
    x = (cols + 0.5 - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (rows + 0.5 - intrinsics[1, 2]) / intrinsics[1, 1]
    slope = np.stack(np.broadcast_arrays(x[None, :], y[:, None], np.ones((1, 1))), -1)  # z is 1: t is the z-depth
    rays = torch.from_numpy(np.concatenate([np.zeros_like(slope), slope], -1))
    return np.asarray(cast_rays(mesh, rays)["t_hit"].numpy().astype(np.float64))


def _window(mesh: Mesh, picture: MaskedPicture) -> tuple[np.ndarray, np.ndarray]:
    """Choose at most 96 x 96 rows and columns that cover the mask and the mesh, within the picture."""
    vertices = mesh.vertices.double().numpy()
    ahead = vertices[vertices[:, 2] > 1e-6] @ picture.intrinsics.double().numpy().T
    pixels = ahead[:, :2] / ahead[:, 2:]
    return tuple(
        _covering(np.flatnonzero(picture.mask.any(across).numpy()), pixels[:, along], size)
        for across, along, size in ((1, 1, picture.mask.shape[0]), (0, 0, picture.mask.shape[1]))
    )  # type: ignore[return-value]


def _covering(marked: np.ndarray, drawn: np.ndarray, size: int) -> np.ndarray:
    """Choose at most 96 evenly spaced pixels of an axis that cover the marked ones and the drawn coordinates."""
    low, high = (
        (marked[0], marked[-1]) if not len(drawn) else (min(marked[0], drawn.min()), max(marked[-1], drawn.max()))
    )
    first, last = int(np.clip(low, 0, size - 1)), int(np.clip(high, 0, size - 1))
    return np.unique(np.linspace(first, last, min(MAX_RAYS, last - first + 1)).round().astype(int))


def hidden_outline(picture: MaskedPicture) -> float:
    """Measure the share of the outline of an object at which it does not end: at something nearer, or at the edge.

    What is nearer than the object by more than 5 % of its extent hides a part of it, and so does the edge of the
    picture. Without points, the edge alone is known to.
    """
    mask = picture.mask
    edge = torch.zeros_like(mask)
    edge[0], edge[-1], edge[:, 0], edge[:, -1] = True, True, True, True
    hidden = at_edge = int((edge & mask).sum())
    if picture.points is None:
        rim = _largest_beside(mask.float()).bool() & ~mask
    else:
        depth = torch.from_numpy(picture.evidence.depth).float()
        beside = _largest_beside(torch.where(mask, depth, torch.zeros_like(depth)))  # depth of the object
        rim = (beside > 0) & ~mask
        nearer = rim & (depth > 0) & (depth < beside - DEPTH_TOLERANCE * picture.evidence.extent)
        hidden += int(nearer.sum())
    return hidden / max(1, int(rim.sum()) + at_edge)


def _largest_beside(values: Float[torch.Tensor, "height width"]) -> Float[torch.Tensor, "height width"]:
    return F.max_pool2d(values[None, None], 3, 1, 1)[0, 0]
