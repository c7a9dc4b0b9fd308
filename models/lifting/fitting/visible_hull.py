"""The visible hull: the solid that a view proves and no more, completed by symmetry where that fits.

It is the convex hull of the visible points, and of these mirrored in the object's plane of symmetry where one fits
(`mirror`), or in two at a right angle, cut off at the plane that the object stands on, less all space that the picture
shows to be empty: rays that pass beside the object, through its holes, or into its hollows reach something behind. The
mirrored camera carves, too.
Source: space carving (Kutulakos and Seitz, IJCV 2000) of a convex hull by one depth picture; the combination is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from models.geometry import voxel_centres
from models.lifting.fitting.mirror import Mirror, find_mirror
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.inputs.evidence import Evidence
from models.lifting.meshes.mesh import ColouredMesh, extract_mesh

try:
    from scipy.spatial import ConvexHull, QhullError, cKDTree
except ImportError:
    ConvexHull = None

SIDE = 64  # voxels along the cube
FILLED = 0.9  # of the cube's side by the longest side of the hull
MAX_POINTS = 3000
MIN_THICKNESS = 0.02  # of the extent, along the ray: a flat view still gets a solid
NEIGHBOURS, STRAY = 8, 6.0  # a point further from its eighth neighbour than 6 times the median is a stray
MAX_SECOND_DISTANCE = 0.2  # extents: a second plane that mirrors the points further away tells nothing
MARGIN = 0.5  # voxels that carving leaves before what is seen


@dataclass(frozen=True)
class VisibleHull:
    """A closed surface in its cube (z up) with its place in the camera; `mirror` is None where no symmetry fits."""

    mesh: ColouredMesh
    fit: Fit
    mirror: Mirror | None


def visible_hull(evidence: Evidence, symmetry: bool = True) -> VisibleHull:
    """Build the visible hull of an object from its evidence.

    Raises:
        ImportError: scipy or scikit-image is not installed.
        ValueError: there are fewer than four visible points, or nothing is left of the hull.
    """
    if ConvexHull is None:
        raise ImportError("a visible hull needs scipy: pip install 'region4d[geom]'")
    points = without_strays(evidence.thinned(MAX_POINTS))
    support = evidence.support
    up = np.array([0.0, -1.0, 0.0]) if support is None else support.normal
    mirror = find_mirror(evidence, up) if symmetry else None
    ray = points.mean(0) / np.linalg.norm(points.mean(0))
    solid = [points, points + MIN_THICKNESS * evidence.extent * ray]
    if mirror is not None:
        solid.append(mirror.apply(points))
        second = find_mirror(evidence, up, across=mirror)
        if second is not None and second.distance < MAX_SECOND_DISTANCE:
            solid += [second.apply(some) for some in solid]
    try:
        hull = ConvexHull(np.concatenate(solid))
    except (QhullError, ValueError) as error:
        raise ValueError(f"{len(points)} visible points span no hull; mark more of the object") from error
    cam_T_obj, side = _cube(hull.points[hull.vertices], up, mirror)
    start = Fit(cam_T_obj, side)
    centres = voxel_centres(SIDE, torch.zeros((), dtype=torch.float64)).reshape(-1, 3).numpy()
    xyz = start.to_camera(centres)
    pixel = float(np.median(points[:, 2])) / evidence.intrinsics[0, 0]  # metres; a point stands for the middle of one
    field = _beyond_hull(hull, xyz) - pixel / 2
    for seen in (xyz,) if mirror is None else (xyz, mirror.apply(xyz)):
        field = np.maximum(field, evidence.clearance(seen) - MARGIN * side / SIDE)
    if support is not None:
        field = np.maximum(field, -support.height(xyz))
    voxels = (field * SIDE / side).clip(-3, 3).reshape(SIDE, SIDE, SIDE)
    return VisibleHull(extract_mesh(torch.from_numpy(-voxels)), start, mirror)


def without_strays(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "some 3"]:
    """Leave out points far from all others, as sensors give them at edges."""
    if len(points) <= NEIGHBOURS:
        return points
    reach = cKDTree(points).query(points, NEIGHBOURS + 1)[0][:, -1]
    return np.asarray(points[reach <= STRAY * np.median(reach)])


def _beyond_hull(hull: ConvexHull, xyz: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point"]:
    """Measure how far points lie outside of the nearest facet's plane; negative inside."""
    found = np.full(len(xyz), -np.inf, np.float32)
    equations, here = np.unique(hull.equations.round(9), axis=0).astype(np.float32), xyz.astype(np.float32)
    for some in np.array_split(equations, max(1, len(equations) // 32)):
        np.maximum(found, (here @ some[:, :3].T + some[:, 3]).max(1), out=found)
    return found.astype(np.float64)


def _cube(
    corners: Float[np.ndarray, "corner 3"], up: Float[np.ndarray, "3"], mirror: Mirror | None
) -> tuple[Float[np.ndarray, "4 4"], float]:
    """Build the pose and side of the cube around a hull: z is up, y along the normal of the mirror or the ray."""
    back = corners.mean(0) if mirror is None else mirror.normal
    back = back - (back @ up) * up
    back = back / np.linalg.norm(back)
    axes = np.stack([np.cross(back, up), back, up], 1)
    along = corners @ axes
    low, high = along.min(0), along.max(0)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes, axes @ ((low + high) / 2)
    return pose, float((high - low).max()) / FILLED
