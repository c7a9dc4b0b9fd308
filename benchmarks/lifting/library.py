"""Statistics of the training objects of Lift-Worlds, and the objects themselves, for baselines without a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial.transform import Rotation
from torch import Tensor
from trimesh import Trimesh

from models.geometry import unproject
from models.lifting.inputs.evidence import Evidence
from models.lifting.meshes.mesh import extract_mesh
from scenes.masked_object import MaskedObject

RETRIEVAL_POINTS = 96  # visible points of an object that retrieval compares
TAIL_SHARE = 0.02  # share of the visible points that the extent ignores, at each end of each axis
OBJECTS_AT_ONCE = 2048  # objects of the library that are compared in one batch


@dataclass(frozen=True)
class View:
    """The visible points of one object, their middle and their extent, in metres of the camera frame."""

    points: Float[np.ndarray, "point 3"]
    middle: Float[np.ndarray, "3"]  # median
    extent: float  # diagonal of the box between the 2 % and 98 % quantiles
    evidence: Evidence | None = None  # the picture's depth, for baselines that fit a pose

    @property
    def ray(self) -> Float[np.ndarray, "3"]:
        """The direction from the camera to the middle of the points, unit length."""
        ray: Float[np.ndarray, "3"] = self.middle / np.linalg.norm(self.middle)
        return ray

    def canonical(self, count: int = RETRIEVAL_POINTS) -> Float[np.ndarray, "count 3"]:
        """Thin or repeat the points to `count`, centre them on their middle and divide them by their extent."""
        chosen = np.linspace(0, len(self.points) - 1, count).round().astype(int)
        return np.asarray((self.points[chosen] - self.middle) / self.extent)


def view_of(item: MaskedObject) -> View:
    """Unproject the visible pixels of an object.

    Raises:
        ValueError: none of them has a depth.
    """
    map_ = unproject(item.depth, item.intrinsics)
    evidence = Evidence.of(map_, item.mask, item.intrinsics)
    points = evidence.points
    if not len(points):
        raise ValueError(f"no visible pixel of {item.family} in picture {item.world_seed} has depth: leave it out")
    low, high = np.quantile(points, [TAIL_SHARE, 1 - TAIL_SHARE], axis=0)
    return View(points, np.median(points, axis=0), max(float(np.linalg.norm(high - low)), 1e-3), evidence)


@dataclass(frozen=True)
class Library:
    """Averages over the objects of a training set, and the views, poses and distances of each for retrieval."""

    mean_distance: Float[Tensor, "x y z"]  # signed, units of the cube; its zero level encloses the mean volume
    mean_rotation: Float[np.ndarray, "3 3"]  # cam_R_obj nearest to the mean matrix: upright, arbitrary heading
    mean_scale: float  # geometric mean of the cube's side over the visible extent
    mean_depth: float  # from the visible middle to the cube's centre along the ray, in visible extents
    views: Float[Tensor, "object point 3"]
    scales: Float[np.ndarray, "object"]
    centres: Float[np.ndarray, "object 3"]  # from the visible middle to the centre of the cube, in visible extents
    rotations: Float[np.ndarray, "object 3 3"]
    distances: Sequence[Float[Tensor, "x y z"]]  # a list, because stacking would double their memory

    @classmethod
    def fit(cls, items: Iterable[MaskedObject]) -> Library:
        """Measure the objects of a training set; objects without a visible depth are left out.

        Raises:
            ValueError: no object has a visible depth.
        """
        views, scales, centres, depths, rotations, distances = [], [], [], [], [], []
        total, inside = torch.zeros((), dtype=torch.float64), 0  # running sums: no second copy of all distances
        for item in items:
            try:
                view = view_of(item)
            except ValueError:
                continue
            offset = (item.cam_T_obj[:3, 3].double().numpy() - view.middle) / view.extent
            views.append(view.canonical())
            scales.append(float(item.scale) / view.extent)
            centres.append(offset)
            depths.append(offset @ view.ray)
            rotations.append(item.cam_T_obj[:3, :3].double().numpy())
            distances.append(item.distance.half())
            total = total + distances[-1].double()
            inside += int((distances[-1] <= 0).count_nonzero())
        if not views:
            raise ValueError("the library has no training object with a visible depth: give it more seeds")
        mean, volume = (total / len(distances)).float(), inside / (len(distances) * distances[0].numel())
        return cls(
            mean_distance=mean - mean.flatten().quantile(volume),
            mean_rotation=Rotation.from_matrix(rotations).mean().as_matrix(),
            mean_scale=float(np.exp(np.log(scales).mean())),
            mean_depth=float(np.mean(depths)),
            views=torch.tensor(np.stack(views), dtype=torch.float32),
            scales=np.array(scales),
            centres=np.stack(centres),
            rotations=np.stack(rotations),
            distances=distances,
        )

    def __len__(self) -> int:
        return len(self.scales)

    def nearest(self, view: View) -> int:
        """Find the index of the object with the smallest Chamfer distance between canonical visible points."""
        query = torch.tensor(view.canonical(), dtype=torch.float32)
        chamfer = []
        for views in self.views.split(OBJECTS_AT_ONCE):
            distances = torch.cdist(query.expand(len(views), -1, -1), views)
            chamfer.append(distances.amin(1).mean(1) + distances.amin(2).mean(1))
        return int(torch.cat(chamfer).argmin())


def mesh_of(distance: Float[Tensor, "x y z"]) -> Trimesh:
    """Extract the surface of a grid of signed distances (units of the cube, negative inside)."""
    surface = extract_mesh(-distance.float())
    return Trimesh(surface.vertices.numpy(), surface.faces.numpy(), process=False)
