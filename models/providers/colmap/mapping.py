"""Run COLMAP on a folder of pictures of one camera: `python mapping.py IMAGES OUT.npz [FX,FY,CX,CY]`.

A program of its own, because a crash or an OpenMP runtime of COLMAP's must not touch the process that holds torch.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap

EXHAUSTIVE = 40  # up to this many frames, all pairs are matched; beyond, neighbours
MIN_TRIANGULATION_DEG = 4  # between the first two views: COLMAP's own 16 is for photo collections
SEED = 0


def main() -> None:
    """Reconstruct the pictures; write the poses, cameras and points of those that COLMAP registers."""
    images, out, *camera = sys.argv[1:]
    pycolmap.set_random_seed(SEED)
    pycolmap.logging.minloglevel = pycolmap.logging.Level.FATAL.value
    with tempfile.TemporaryDirectory() as folder:
        scene = reconstruct(Path(images), Path(folder), camera[0] if camera else None)
    np.savez(out, allow_pickle=False, **arrays(scene))


def reconstruct(images: Path, folder: Path, camera: str | None) -> Any:
    """Run COLMAP's stages; the largest reconstruction, or None. A `camera` (fx,fy,cx,cy) is kept as it is."""
    database = folder / "database.db"
    reader = pycolmap.ImageReaderOptions()
    mapping = pycolmap.IncrementalPipelineOptions(min_model_size=2, multiple_models=False, random_seed=SEED)
    mapping.num_threads = 1  # with more threads, no two runs are equal
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = SEED
    mapping.mapper.init_min_tri_angle = MIN_TRIANGULATION_DEG
    mapping.ba_refine_extra_params = False
    reader.camera_model = "SIMPLE_PINHOLE"
    if camera is not None:
        reader.camera_model, reader.camera_params = "PINHOLE", camera
        mapping.ba_refine_focal_length = False
    pycolmap.extract_features(
        database, images, camera_mode=pycolmap.CameraMode.SINGLE, reader_options=reader, device=pycolmap.Device.cpu
    )
    few = len(list(images.iterdir())) <= EXHAUSTIVE
    match = pycolmap.match_exhaustive if few else pycolmap.match_sequential
    match(database, verification_options=verification, device=pycolmap.Device.cpu)
    scenes = pycolmap.incremental_mapping(database, images, folder / "sparse", options=mapping)
    return max(scenes.values(), key=lambda one: one.num_reg_images(), default=None)


def arrays(scene: Any) -> dict[str, np.ndarray]:
    """Take the registered pictures of a scene: names, world_T_cam, intrinsics, and points.

    A row of `points` is (picture, column, row, depth): where a triangulated point is seen, in pixels and in the unit of
    the reconstruction.
    """
    names: list[str] = []
    poses: list[np.ndarray] = []
    cameras: list[np.ndarray] = []
    points: list[tuple[float, ...]] = []
    for i in [] if scene is None else scene.reg_image_ids():
        image = scene.images[i]
        cam_T_world = image.cam_from_world()
        poses.append(np.vstack([cam_T_world.inverse().matrix(), [0, 0, 0, 1]]))
        cameras.append(image.camera.calibration_matrix())
        for point in image.get_observation_points2D():
            depth = (cam_T_world * scene.points3D[point.point3D_id].xyz)[2]
            points.append((len(names), *point.xy, depth))
        names.append(image.name)
    return {
        "names": np.array(names, dtype=str),
        "world_T_cam": np.array(poses).reshape(-1, 4, 4),
        "intrinsics": np.array(cameras).reshape(-1, 3, 3),
        "points": np.array(points).reshape(-1, 4),
    }


if __name__ == "__main__":
    main()
