"""Segmentation of the object in a box by depth: the pixels of the box that are not part of the room."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap
from models.geometry.planes import find_planes

try:
    from scipy.ndimage import binary_dilation, binary_fill_holes, label
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
except ImportError:
    label = None

RING_WIDTH = 0.25  # of the surroundings, as a share of the box's longer side
PLANE_TOLERANCE = 0.015  # of the median depth in the box: nearer points are part of a plane
BOUNDING_SHARE = 0.97  # share of the points in front of a plane, or on it, that bounds the room
MAX_DEPTH_JUMP = 0.4  # of the box's extent at the object's depth: neighbours with a larger step are separate objects
MIN_BOX_SHARE = 0.02  # share of the box that an object fills


def object_in_box(box: Bool[Tensor, "height width"], points: PointMap, seed: int = 0) -> Bool[Tensor, "height width"]:
    """Mark the object in a box: its pixels with depth that do not continue the planes of its surroundings.

    The ring around the box (a quarter of its longer side wide, cut at the border of the picture) is explained by up to
    6 planes, largest first (RANSAC). Pixels of the box that lie within 1.5 % of the median depth of a plane are the
    room: all of them where the plane has nothing behind it (a wall, a floor), otherwise those connected to the plane in
    the ring, because it may cut through the object. The largest connected rest, without jumps of depth beyond
    0.4 of what the box spans at its depth, is the object; pixels without depth that it encloses are filled in, others
    are left out. Where nothing surrounds the box, because it is the whole picture or has no depth around it, every
    pixel with depth is the object. The same seed gives the same mask.

    Raises:
        ImportError: scipy is not installed.
        ValueError: the points are not in the frame "cam", none of the box is valid, or what stands out from the room
            is under 2 % of the box.
    """
    if label is None:
        raise ImportError("segmenting the object in a box needs scipy: pip install 'region4d[geom]'")
    if points.frame != "cam":
        raise ValueError(f"the object in a box needs points in the frame 'cam', got {points.frame!r}")
    valid, inside = points.valid.cpu().numpy(), box.cpu().numpy()
    if not (inside & valid).any():
        raise ValueError("no pixel of the box has depth: draw it where there is some, or give a mask without depth")
    rows, cols = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    reach = max(1, round(RING_WIDTH * max(rows[-1] - rows[0], cols[-1] - cols[0])))
    ring = np.zeros_like(inside)
    ring[max(0, rows[0] - reach) : rows[-1] + 1 + reach, max(0, cols[0] - reach) : cols[-1] + 1 + reach] = True
    ring &= ~inside
    xyz = points.xyz.cpu().double().numpy()
    tolerance = PLANE_TOLERANCE * float(np.median(xyz[inside & valid][:, 2]))
    room = np.zeros_like(inside)
    seen = (ring | inside) & valid
    for plane in find_planes(xyz[ring & valid], tolerance, np.random.default_rng(seed)):
        height = plane.height(xyz)
        near = seen & (np.abs(height) < tolerance)
        if (height[seen] > -tolerance).mean() < BOUNDING_SHARE:
            parts, _ = label(near, np.ones((3, 3)))
            near &= np.isin(parts, np.unique(parts[near & ring]))
        room |= near
    front = inside & valid & ~binary_dilation(room & inside)
    slope = xyz[inside & valid][:, :2] / xyz[inside & valid][:, 2:]
    largest = _largest_part(
        front, xyz[..., 2], MAX_DEPTH_JUMP * tolerance / PLANE_TOLERANCE * float(np.ptp(slope, axis=0).max())
    )
    if largest.sum() < MIN_BOX_SHARE * inside.sum():
        raise ValueError("nothing in the box stands out from what surrounds it: give a mask of the object instead")
    whole = binary_dilation(largest) & inside & valid & ~room  # the edge that the room was grown over
    mask = whole | (binary_fill_holes(whole) & ~valid)
    return torch.from_numpy(mask).to(box.device)


def _largest_part(
    marked: Bool[np.ndarray, "height width"], depth: Float[np.ndarray, "height width"], jump: float
) -> Bool[np.ndarray, "height width"]:
    """Find the largest connected part of the marked pixels: neighbours whose depths differ by less than `jump`."""
    index = np.arange(marked.size).reshape(marked.shape)
    pairs = []
    for first, second in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        joined = marked[first] & marked[second] & (np.abs(depth[first] - depth[second]) < jump)
        pairs.append(np.stack([index[first][joined], index[second][joined]]))
    row, col = np.concatenate(pairs, 1)
    graph = coo_array((np.ones(len(row), bool), (row, col)), shape=(marked.size, marked.size))
    part = connected_components(graph, directed=False)[1].reshape(marked.shape)
    sizes = np.bincount(part[marked], minlength=1)
    return np.asarray(marked & (part == int(sizes.argmax())))
