"""Camera poses and sparse points of RGB frames, by COLMAP (Schoenberger and Frahm, CVPR 2016), through pycolmap."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from models.geometry import align_scale_shift, unproject, valid_depth
from models.providers.contract import GeometryEstimate, GeometryProvider

try:
    import pycolmap
except ImportError:
    pycolmap = None

EXHAUSTIVE = 40  # up to this many frames, all pairs are matched; beyond, neighbours
MIN_TRIANGULATION_DEG = 4  # between the first two views: COLMAP's own 16 is for photo collections
SEED = 0
MIN_SHARED = 10  # sparse points of a frame with depth, to align its depth


@dataclass(frozen=True)
class SparseScene:
    """What COLMAP reconstructs, in its own scale: `depth` is 0 but at the pixels of triangulated points."""

    world_T_cam: Float[Tensor, "time 4 4"]
    intrinsics: Float[Tensor, "time 3 3"]
    depth: Float[Tensor, "time height width"]


class Colmap:
    """Poses of frames without depth, from a camera that moves through a scene at rest.

    Without depth, the points are the sparse ones that COLMAP triangulates, and the scale is unknown. Depth of the
    footage or of a metric depth model sets the scale: poses are scaled by the median ratio. A depth model is aligned
    with the sparse points frame by frame: a metric one by a scale, a relative one by scale and shift of inverse depth.
    """

    joins_frames = True

    def __init__(self, depth_model: GeometryProvider | None = None) -> None:
        """Take a depth model for footage without depth.

        Raises:
            ImportError: pycolmap is not installed.
        """
        if pycolmap is None:
            raise ImportError("--geometry colmap needs pycolmap: pip install 'region4d[colmap]'")
        self.depth_model = depth_model

    def __call__(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Estimate poses, the camera where it is unknown, and points; the world is COLMAP's.

        Raises:
            ValueError: COLMAP does not register every frame, or depth and sparse points have too little in common.
        """
        scene = reconstruct(video.cpu(), intrinsics)
        metric = False
        if self.depth_model is not None:
            estimate = self.depth_model(video, scene.intrinsics.to(video.device))
            depth, metric = estimate.points.xyz[..., 2].cpu(), estimate.metric
            if not metric:
                aligned = torch.stack([_align_inverse(z, sparse) for z, sparse in zip(depth, scene.depth, strict=True)])
                return self._estimate(scene, aligned, scene.world_T_cam, False, video.device)
        elif depth is not None:
            depth, metric = depth.cpu(), True
        else:
            return self._estimate(scene, scene.depth, scene.world_T_cam, False, video.device)
        both = zip(depth, scene.depth, strict=True)
        ratios = torch.stack([_ratio(z, sparse, i) for i, (z, sparse) in enumerate(both)])
        scale = ratios.median()
        world_T_cam = scene.world_T_cam.clone()
        world_T_cam[:, :3, 3] *= scale
        if self.depth_model is not None:
            depth = depth * (scale / ratios)[:, None, None]
        return self._estimate(scene, depth, world_T_cam, metric, video.device)

    @staticmethod
    def _estimate(
        scene: SparseScene, depth: Tensor, world_T_cam: Tensor, metric: bool, device: torch.device
    ) -> GeometryEstimate:
        intrinsics = scene.intrinsics.to(device)
        return GeometryEstimate(unproject(depth.to(device), intrinsics), intrinsics, metric, world_T_cam.to(device))


def reconstruct(
    video: UInt8[Tensor, "time 3 height width"], intrinsics: Float[Tensor, "time 3 3"] | None
) -> SparseScene:
    """Reconstruct a clip of one camera, whose known intrinsics are kept; unknown ones are estimated without distortion.

    Raises:
        ValueError: COLMAP does not register every frame.
    """
    pycolmap.set_random_seed(SEED)
    pycolmap.logging.minloglevel = pycolmap.logging.Level.FATAL.value
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{i:05d}.png" for i in range(len(video))]
        (Path(folder) / "images").mkdir()
        for name, frame in zip(names, video, strict=True):
            picture = Image.fromarray(rearrange(frame, "rgb row col -> row col rgb").numpy())
            picture.save(Path(folder) / "images" / name, compress_level=1)
        found = _map(Path(folder), names, intrinsics)
    registered = {} if found is None else {found.images[i].name: found.images[i] for i in found.reg_image_ids()}
    if lost := [i for i, name in enumerate(names) if name not in registered]:
        raise ValueError(
            f"COLMAP does not register frames {lost} of {len(names)}: the camera must move sideways through a scene at "
            "rest that has texture; use more frames (--frames), or a multi-view model"
        )
    return _sparse_scene([registered[name] for name in names], found, (video.shape[2], video.shape[3]))


def _map(folder: Path, names: list[str], intrinsics: Tensor | None) -> Any:
    """Run COLMAP's stages; the largest reconstruction, or None."""
    database, images = folder / "database.db", folder / "images"
    reader = pycolmap.ImageReaderOptions()
    mapping = pycolmap.IncrementalPipelineOptions(min_model_size=2, multiple_models=False, random_seed=SEED)
    mapping.mapper.init_min_tri_angle = MIN_TRIANGULATION_DEG
    mapping.ba_refine_extra_params = False
    reader.camera_model = "SIMPLE_PINHOLE"
    if intrinsics is not None:
        (fx, _, cx), (_, fy, cy), _ = intrinsics.double().mean(0).tolist()
        reader.camera_model, reader.camera_params = "PINHOLE", f"{fx},{fy},{cx},{cy}"
        mapping.ba_refine_focal_length = False
    pycolmap.extract_features(
        database, images, camera_mode=pycolmap.CameraMode.SINGLE, reader_options=reader, device=pycolmap.Device.cpu
    )
    match = pycolmap.match_exhaustive if len(names) <= EXHAUSTIVE else pycolmap.match_sequential
    match(database, device=pycolmap.Device.cpu)
    found = pycolmap.incremental_mapping(database, images, folder / "sparse", options=mapping)
    return max(found.values(), key=lambda one: one.num_reg_images(), default=None)


def _sparse_scene(images: list[Any], scene: Any, size: tuple[int, int]) -> SparseScene:
    depth = torch.zeros(len(images), *size)
    poses, cameras = [], []
    for i, image in enumerate(images):
        cam_T_world = image.cam_from_world()
        world_T_cam = torch.eye(4, dtype=torch.float64)
        world_T_cam[:3] = torch.from_numpy(cam_T_world.inverse().matrix())
        poses.append(world_T_cam.float())
        cameras.append(torch.from_numpy(image.camera.calibration_matrix()).float())
        for point in image.get_observation_points2D():
            z = float((cam_T_world * scene.points3D[point.point3D_id].xyz)[2])
            col, row = (int(x) for x in point.xy)
            if z > 0 and 0 <= row < size[0] and 0 <= col < size[1]:
                depth[i, row, col] = z
    return SparseScene(torch.stack(poses), torch.stack(cameras), depth)


def _ratio(depth: Tensor, sparse: Tensor, frame: int) -> Float[Tensor, ""]:
    """Measure how many metres of `depth` one unit of the sparse points is, by the median of a frame."""
    both = valid_depth(depth) & valid_depth(sparse)
    if int(both.sum()) < MIN_SHARED:
        raise ValueError(
            f"only {int(both.sum())} of COLMAP's points in frame {frame} have depth, which does not fix the scale; use "
            "frames with more texture"
        )
    return (depth[both] / sparse[both]).median()


def _align_inverse(depth: Tensor, sparse: Tensor) -> Float[Tensor, "height width"]:
    """Fit inverse depth to the sparse points by scale and shift; what then lies behind the camera is unknown."""
    both = valid_depth(depth) & valid_depth(sparse)
    scale, shift = align_scale_shift(1 / depth[both], 1 / sparse[both])
    inverse = scale / depth + shift
    return torch.where(valid_depth(depth) & (inverse > 0), 1 / inverse, torch.zeros_like(depth))
