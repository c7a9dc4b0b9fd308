"""Camera poses and sparse points of RGB frames, by COLMAP (Schoenberger and Frahm, CVPR 2016), through pycolmap."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from models.geometry import align_scale_shift, unproject, valid_depth
from models.providers.contract import GeometryEstimate, GeometryProvider

MAPPING = Path(__file__).with_name("mapping.py")
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
        if find_spec("pycolmap") is None:
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
            ChildProcessError: COLMAP crashes.
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
        ChildProcessError: COLMAP crashes.
        ValueError: COLMAP does not register every frame.
    """
    names = [f"{i:05d}.png" for i in range(len(video))]
    with tempfile.TemporaryDirectory() as folder:
        images, out = Path(folder) / "images", Path(folder) / "scene.npz"
        images.mkdir()
        for name, frame in zip(names, video, strict=True):
            picture = Image.fromarray(rearrange(frame, "rgb row col -> row col rgb").numpy())
            picture.save(images / name, compress_level=1)
        _run_mapping(images, out, intrinsics)
        with np.load(out) as arrays:
            scene = dict(arrays)
    order = {str(name): i for i, name in enumerate(scene["names"])}
    if lost := [i for i, name in enumerate(names) if name not in order]:
        raise ValueError(
            f"COLMAP does not register frames {lost} of {len(names)}: the camera must move sideways through a scene at "
            "rest that has texture; if it does, try other --frames; if it stands or turns, give poses by --geometry "
            "mapanything:MODEL@CHECKOUT or a file, or use one frame (--frame I) or no depth (--no-depth)"
        )
    registered = [order[name] for name in names]
    depth = torch.zeros(len(names), *video.shape[2:])
    which, col, row = torch.from_numpy(scene["points"][:, :3]).long().unbind(1)
    z = torch.from_numpy(scene["points"][:, 3]).float()
    frame = torch.tensor(registered).argsort()[which]
    seen = (z > 0) & (col >= 0) & (col < video.shape[3]) & (row >= 0) & (row < video.shape[2])
    depth[frame[seen], row[seen], col[seen]] = z[seen]
    world_T_cam, cameras = (torch.from_numpy(scene[key][registered]).float() for key in ("world_T_cam", "intrinsics"))
    return SparseScene(world_T_cam, cameras, depth)


def _run_mapping(images: Path, out: Path, intrinsics: Float[Tensor, "time 3 3"] | None) -> None:
    camera = []
    if intrinsics is not None:
        (fx, _, cx), (_, fy, cy), _ = intrinsics.double().mean(0).tolist()
        camera = [f"{fx},{fy},{cx},{cy}"]
    command = [sys.executable, "-P", str(MAPPING), str(images), str(out), *camera]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise ChildProcessError(
            f"COLMAP ended with code {done.returncode} ({last}): use other frames (--frames), or another --geometry"
        )


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
