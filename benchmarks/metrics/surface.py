"""The surface of a triangle mesh: validation, sampling by area, nearest points and touched voxels.

Nearest points lie on triangles, not on samples of them, because two samplings of one surface differ: F1 at 0.01 between
two samplings of a unit sphere is .18 with 8,192 points (specs/sam3d.md 4.2).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

try:
    import open3d
    from trimesh import Trimesh as Trimesh  # re-exported to the other mesh metrics
    from trimesh.sample import sample_surface
except ImportError as error:
    raise ImportError(f"metrics of meshes need open3d and trimesh: pip install 'region4d[geom]' ({error})") from error

SAMPLES = 30_000  # points a surface


class Surface:
    """The triangles of a mesh with an index for queries, in single precision (1e-6 of the mesh's extent).

    Args:
        mesh: the mesh; later changes to it do not affect the queries. Faces without area are left out.
        name: name of the mesh in error messages.

    Raises:
        ValueError: no face has a positive area, or a corner of a face is not finite.
    """

    def __init__(self, mesh: Trimesh, name: str = "mesh") -> None:
        corners = np.asarray(mesh.vertices, dtype=np.float64)[mesh.faces]
        if not np.isfinite(corners).all():
            broken = int((~np.isfinite(corners)).any((1, 2)).sum())
            raise ValueError(f"{name} has {broken} of {len(corners)} faces with NaN or infinite vertices: remove them")
        if not len(corners) or not mesh.area > 0:
            raise ValueError(
                f"{name} has no face with a positive area ({len(corners)} faces): give a mesh with a surface"
            )
        self.mesh = mesh
        self.faces = np.asarray(mesh.faces)[mesh.area_faces > 0]
        self.centre = mesh.bounds.mean(0)  # queries are relative to it: single precision is coarse far from the origin
        self._scene = open3d.t.geometry.RaycastingScene()
        self._scene.add_triangles(
            open3d.core.Tensor.from_numpy((mesh.vertices - self.centre).astype(np.float32)),
            open3d.core.Tensor.from_numpy(self.faces.astype(np.uint32)),
        )

    def sample(self, count: int, generator: np.random.Generator) -> Float[np.ndarray, "point 3"]:
        """Draw points uniformly by area, in the frame and unit of the mesh."""
        if count < 1:
            raise ValueError(f"the number of samples must be 1 or more, got {count}")
        return np.asarray(sample_surface(self.mesh, count, seed=generator)[0], dtype=np.float64)

    def nearest(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Find the nearest point of the surface to each point."""
        query = open3d.core.Tensor.from_numpy((points - self.centre).astype(np.float32))
        nearest = self._scene.compute_closest_points(query)["points"].numpy()
        return np.asarray(nearest.astype(np.float64) + self.centre)

    def distance(self, points: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch"]:
        """Measure the distance of each point to the surface, unsigned, in units of the mesh."""
        return np.asarray(np.linalg.norm(points - self.nearest(points), axis=-1))

    def touched(
        self, start: Float[np.ndarray, "3"], shape: Int[np.ndarray, "3"], side: float
    ) -> Int[np.ndarray, "voxel 3"]:
        """List the voxels (of size `side`, counted from the corner `start`) of a grid that a triangle touches."""
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
    """Measure the distances of sampled points: from the predicted surface to the true one, and the reverse.

    Raises:
        ValueError: a mesh is empty or not finite.
    """
    pred, true = Surface(pred_mesh, "the predicted mesh"), Surface(true_mesh, "the true mesh")
    # one seed for both sides keeps the metric symmetric; distances to triangles do not need independent samples
    of_pred, of_true = (surface.sample(samples, np.random.default_rng(seed)) for surface in (pred, true))
    return true.distance(of_pred), pred.distance(of_true)
