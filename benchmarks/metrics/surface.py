"""The surface of a triangle mesh: checked, sampled by area, and asked for its nearest points and its voxels.

Nearest points lie on triangles, not on samples of them, because the distance between two samplings of one surface is
not 0: F1 at 0.01 between two samplings of one unit sphere is .18 with 8,192 points (specs/sam3d.md 4.2).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

try:
    import open3d
    from trimesh import Trimesh as Trimesh  # the other metrics of meshes take it from here
    from trimesh.sample import sample_surface
except ImportError as error:
    raise ImportError(f"metrics of meshes need open3d and trimesh: pip install 'region4d[geom]' ({error})") from error

SAMPLES = 30_000  # points a surface


class Surface:
    """The triangles of a mesh, ready for queries; exact but for single precision, 1e-6 of the mesh's extent.

    Args:
        mesh: the mesh; the queries keep the triangles that it has now. Faces without area are left out.
        name: what error messages call it.

    Raises:
        ValueError: it has no face of positive area, or a corner of a face is not finite.
    """

    def __init__(self, mesh: Trimesh, name: str = "mesh") -> None:
        corners = np.asarray(mesh.vertices, dtype=np.float64)[mesh.faces]
        if not np.isfinite(corners).all():
            broken = int((~np.isfinite(corners)).any((1, 2)).sum())
            raise ValueError(f"{name} needs finite vertices, but {broken} of its {len(corners)} faces have others")
        if not len(corners) or not mesh.area > 0:
            raise ValueError(f"{name} needs faces with an area, got {len(corners)} faces, none of them with one")
        self.mesh = mesh
        self.faces = np.asarray(mesh.faces)[mesh.area_faces > 0]
        self.centre = mesh.bounds.mean(0)  # single precision counts from here: far from the origin it would be coarse
        self._scene = open3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            open3d.core.Tensor.from_numpy((mesh.vertices - self.centre).astype(np.float32)),
            open3d.core.Tensor.from_numpy(self.faces.astype(np.uint32)),
        )

    def sample(self, count: int, generator: np.random.Generator) -> Float[np.ndarray, "point 3"]:
        """Draw points uniformly by area."""
        if count < 1:
            raise ValueError(f"a surface is sampled at one point or more, got {count}")
        return np.asarray(sample_surface(self.mesh, count, seed=generator)[0], dtype=np.float64)

    def nearest(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Find the nearest point of the surface to each point."""
        query = open3d.core.Tensor.from_numpy((points - self.centre).astype(np.float32))
        found = self._scene.compute_closest_points(query)["points"].numpy()
        return np.asarray(found.astype(np.float64) + self.centre)

    def distance(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch"]:
        """Measure the distance of each point to the surface, unsigned, in units of the mesh."""
        return np.asarray(np.linalg.norm(points - self.nearest(points), axis=-1))

    def touched(
        self, start: Float[np.ndarray, "3"], shape: Int[np.ndarray, "3"], side: float
    ) -> Int[np.ndarray, "voxel 3"]:
        """List the voxels of this side that a triangle touches, of a grid whose first voxel begins at `start`."""
        triangles = open3d.geometry.TriangleMesh(
            open3d.utility.Vector3dVector(self.mesh.vertices), open3d.utility.Vector3iVector(self.faces)
        )
        grid = open3d.geometry.VoxelGrid.create_from_triangle_mesh_within_bounds(
            triangles, side, start, start + shape * side
        )
        return np.array([voxel.grid_index for voxel in grid.get_voxels()], np.int64).reshape(-1, 3)


def surface_distances(
    pred_mesh: Trimesh, true_mesh: Trimesh, samples: int = SAMPLES, seed: int = 0
) -> tuple[Float[np.ndarray, "point"], Float[np.ndarray, "point"]]:
    """Measure the distances of points of the predicted surface to the true one, and of the true one to the predicted.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    pred, true = Surface(pred_mesh, "the predicted mesh"), Surface(true_mesh, "the true mesh")
    # one seed for both sides keeps the measure symmetric; against triangles, the samples need not be independent
    of_pred, of_true = (surface.sample(samples, np.random.default_rng(seed)) for surface in (pred, true))
    return true.distance(of_pred), pred.distance(of_true)
