"""What the training objects of Lift-Worlds say on average, and one by one: what baselines without a network know."""

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
from scenes.worlds.masked_objects import MaskedObject

POINTS = 96  # visible points of an object that are compared in retrieval
TAIL = 0.02  # of visible points beyond which an extent is not measured, along each axis
AT_ONCE = 2048  # objects of the library that are compared at once


@dataclass(frozen=True)
class View:
    """The visible points of one object (camera frame, metres), where their middle is and how far they reach."""

    points: Float[np.ndarray, "point 3"]
    middle: Float[np.ndarray, "3"]  # median
    extent: float  # diagonal of the box between the 2 % and 98 % quantiles
    evidence: Evidence | None = None  # the picture's depth, for what is fitted to it

    @property
    def ray(self) -> Float[np.ndarray, "3"]:
        """The direction in which the camera sees it."""
        ray: Float[np.ndarray, "3"] = self.middle / np.linalg.norm(self.middle)
        return ray

    def canonical(self, count: int = POINTS) -> Float[np.ndarray, "count 3"]:
        """Thin the points, or repeat them, to a fixed number, about their middle in units of their extent."""
        chosen = np.linspace(0, len(self.points) - 1, count).round().astype(int)
        return np.asarray((self.points[chosen] - self.middle) / self.extent)


def view_of(item: MaskedObject) -> View:
    """Look at the visible points of an object.

    Raises:
        ValueError: none has a depth.
    """
    map_ = unproject(item.depth, item.intrinsics)
    evidence = Evidence.of(map_, item.mask, item.intrinsics)
    points = evidence.points
    if not len(points):
        raise ValueError(f"no visible pixel of the {item.family} of world {item.world_seed} has a depth")
    low, high = np.quantile(points, [TAIL, 1 - TAIL], axis=0)
    return View(points, np.median(points, axis=0), max(float(np.linalg.norm(high - low)), 1e-3), evidence)


@dataclass(frozen=True)
class Library:
    """Objects of a training set: averages, and what retrieval needs of each."""

    mean_distance: Float[Tensor, "x y z"]  # signed, units of the cube; shifted so that 0 holds the mean volume
    mean_rotation: Float[np.ndarray, "3 3"]  # cam_R_obj nearest to the mean matrix: upright as cameras are, any heading
    mean_scale: float  # geometric, of the cube's side by the visible extent
    mean_depth: float  # of the cube's centre behind the visible middle along the ray, in visible extents
    views: Float[Tensor, "object point 3"]
    scales: Float[np.ndarray, "object"]
    centres: Float[np.ndarray, "object 3"]  # of the cube, from the visible middle, in visible extents
    rotations: Float[np.ndarray, "object 3 3"]
    distances: Sequence[Float[Tensor, "x y z"]]  # one by one, because stacking them takes their memory twice

    @classmethod
    def fit(cls, items: Iterable[MaskedObject]) -> Library:
        """Measure the objects of a training set; those without a visible depth are left out.

        Raises:
            ValueError: none is left.
        """
        views, scales, centres, depths, rotations, distances = [], [], [], [], [], []
        total, inside = torch.zeros((), dtype=torch.float64), 0  # no second copy of all distances, in float32
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
            raise ValueError("the library of training objects is empty: give it seeds")
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
        """Find the object whose visible points are nearest in mean Chamfer distance, in canonical units."""
        mine = torch.tensor(view.canonical(), dtype=torch.float32)
        found = []
        for others in self.views.split(AT_ONCE):
            gaps = torch.cdist(mine.expand(len(others), -1, -1), others)
            found.append(gaps.amin(1).mean(1) + gaps.amin(2).mean(1))
        return int(torch.cat(found).argmin())


def mesh_of(distance: Float[Tensor, "x y z"]) -> Trimesh:
    """Mesh a field of signed distances in the cube."""
    surface = extract_mesh(-distance.float())
    return Trimesh(surface.vertices.numpy(), surface.faces.numpy(), process=False)
