"""Camera poses of RGB-D frames, by Open3D: pairwise odometry, loop closure, and a pose graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import invert, project, transform_points, unproject
from models.providers.contract import GeometryEstimate, GeometryProvider

open3d: Any
try:
    import open3d
except ImportError:
    open3d = None

LONGER_SIDE = 320  # pixels of the frames that are registered
LOOP_GAPS = (2, 4, 8, 16, 32)  # frames so far apart close loops
MIN_OVERLAP = 0.25  # of the points of a frame that land in another one and agree with its depth
MIN_AGREEMENT = 0.6  # of the points that land in another frame, and are not hidden there
TOLERANCE = 0.02  # of depth: how far points agree
VOXELS = (0.03, 0.015)  # of the median depth: those of ICP, coarse to fine


@dataclass(frozen=True)
class Pair:
    """Frame `source` registered to frame `target`; `information` is Open3D's 6x6 weight in the pose graph."""

    source: int
    target: int
    target_T_source: Float[Tensor, "4 4"]
    information: Float[np.ndarray, "6 6"]


class RgbdOdometry:
    """Poses of frames with depth. Depth of the footage is used; without it, that of a depth model.

    Neighbouring frames are registered by photometric and geometric odometry (Park et al., ICCV 2017), which needs small
    motion; where it fails, by FPFH features and RANSAC, then point-to-plane ICP. A pair counts if the points of one
    frame, carried into the other, agree with its depth. Pairs further apart that overlap close loops. The pose graph of
    all pairs is optimised (Choi et al., CVPR 2015). Objects that move are outliers as long as they cover little.
    """

    joins_frames = True

    def __init__(self, depth_model: GeometryProvider | None = None) -> None:
        """Take a depth model for footage without depth.

        Raises:
            ImportError: Open3D is not installed.
        """
        if open3d is None:
            raise ImportError("--geometry odometry needs Open3D: pip install 'region4d[geom]'")
        self.depth_model = depth_model

    def __call__(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Estimate the poses; the world is that of the first camera.

        Raises:
            ValueError: there is no depth and no depth model, or a frame cannot be registered to the others.
        """
        estimate = self._depth(video, intrinsics, depth)
        parts = zip(video, estimate.points.xyz[..., 2], estimate.intrinsics, strict=True)
        frames = [RgbdFrame(image, z, camera) for image, z, camera in parts]
        z = estimate.points.xyz[..., 2][estimate.points.valid]
        poses = optimise(register(frames, float(z.median())), len(frames))
        return GeometryEstimate(
            estimate.points, estimate.intrinsics, estimate.metric, poses.to(video.device), estimate.confidence
        )

    def _depth(self, video: Tensor, intrinsics: Tensor | None, depth: Tensor | None) -> GeometryEstimate:
        if self.depth_model is not None:
            estimate = self.depth_model(video, intrinsics, depth)
            if not estimate.metric:
                raise ValueError(
                    "odometry needs depth of one scale, but this depth model gives each frame a scale of its own: use "
                    "a metric depth model"
                )
            return estimate
        if depth is None or intrinsics is None:
            raise ValueError(
                "odometry needs depth and the camera: give an RGB-D folder, or a metric model by --depth-model"
            )
        return GeometryEstimate(unproject(depth, intrinsics), intrinsics, metric=True)


class RgbdFrame:
    """One frame in the forms that registration needs, at most `LONGER_SIDE` pixels wide and high."""

    def __init__(
        self,
        image: UInt8[Tensor, "3 height width"],
        depth: Float[Tensor, "height width"],
        intrinsics: Float[Tensor, "3 3"],
    ) -> None:
        step = -(-max(image.shape[1:]) // LONGER_SIDE)  # whole steps: depth is not interpolated
        self.depth = depth[::step, ::step].cpu().float()
        self.intrinsics = intrinsics.cpu().float() / torch.tensor([[step], [step], [1]])
        self.intrinsics[:2, 2] += 0.5 - 0.5 / step  # a frame keeps the centre of every `step`-th pixel
        height, width = self.depth.shape
        half = step // 2
        blurred = F.avg_pool2d(image.cpu().float(), 2 * half + 1, step, half, count_include_pad=False).to(torch.uint8)
        colour = open3d.geometry.Image(np.ascontiguousarray(rearrange(blurred, "rgb row col -> row col rgb").numpy()))
        (fx, _, cx), (_, fy, cy), _ = self.intrinsics.double().tolist()
        self.camera = open3d.camera.PinholeCameraIntrinsic(width, height, fx, fy, cx - 0.5, cy - 0.5)
        self.rgbd = open3d.geometry.RGBDImage.create_from_color_and_depth(
            colour, open3d.geometry.Image(self.depth.numpy().copy()), depth_scale=1.0, depth_trunc=float("inf")
        )
        self.colours = rearrange(blurred, "rgb row col -> row col rgb").float() / 255
        self.points = unproject(self.depth, self.intrinsics)
        self._clouds: dict[float, Any] = {}

    def cloud(self, voxel: float) -> Any:
        """Build a cloud of points with colours and normals, one a voxel (metres); it is kept."""
        if voxel not in self._clouds:
            self._clouds[voxel] = self._cloud(voxel)
        return self._clouds[voxel]

    def _cloud(self, voxel: float) -> Any:
        cloud = open3d.geometry.PointCloud()
        cloud.points = open3d.utility.Vector3dVector(self.points.xyz[self.points.valid].double().numpy())
        cloud.colors = open3d.utility.Vector3dVector(self.colours[self.points.valid].double().numpy())
        cloud = cloud.voxel_down_sample(voxel)
        cloud.estimate_normals(open3d.geometry.KDTreeSearchParamHybrid(radius=2 * voxel, max_nn=30))
        return cloud


def register(frames: Sequence[RgbdFrame], distance: float) -> list[Pair]:
    """Register neighbours, frames that no neighbour reaches, and pairs 2, 4, 8, ... frames apart that overlap.

    `distance` (metres) is the typical depth, which sets the voxels.

    Raises:
        ValueError: a frame cannot be registered to the others.
    """
    count = len(frames)
    pairs: list[Pair] = []

    def add(i: int, j: int, guess: Tensor | None = None) -> None:
        pair = register_pair(frames[i], frames[j], distance, guess)
        if pair is not None:
            pairs.append(Pair(i, j, *pair))

    for i in range(count - 1):
        add(i, i + 1)
    for i, j in sorted(combinations(range(count), 2), key=lambda pair: pair[1] - pair[0]):
        poses = chain(pairs, count)
        if j - i >= 2 and (poses[i] is None) != (poses[j] is None):
            add(i, j)
    poses = chain(pairs, count)
    if lost := [i for i, pose in enumerate(poses) if pose is None]:
        raise ValueError(
            f"odometry cannot register frames {lost} of {count} to the others: they overlap too little, or have too "
            "little texture and shape; use more frames (--frames)"
        )
    known = [pose for pose in poses if pose is not None]
    for i, j in combinations(range(count), 2):
        guess = invert(known[j]) @ known[i]
        if j - i in LOOP_GAPS and overlap(frames[i], frames[j], guess) >= MIN_OVERLAP:
            add(i, j, guess)
    return pairs


def register_pair(
    a: RgbdFrame, b: RgbdFrame, distance: float, guess: Float[Tensor, "4 4"] | None = None
) -> tuple[Float[Tensor, "4 4"], Float[np.ndarray, "6 6"]] | None:
    """Register two frames, starting from `guess`; without one, from no motion and from features.

    Returns:
        The pose `b_T_a` that explains most, with its information; None where the depths of the frames disagree.
    """
    if not (bool(a.points.valid.any()) and bool(b.points.valid.any())):
        return None
    starts = [guess] if guess is not None else [torch.eye(4), from_features(a, b, distance)]
    refined = [refine(a, b, distance, direct(a, b, distance, start)) for start in starts]
    b_T_a = max(refined, key=lambda pose: agreement(a, b, pose))
    if not agrees(a, b, b_T_a):
        return None
    voxel = VOXELS[1] * distance
    information = open3d.pipelines.registration.get_information_matrix_from_point_clouds(
        a.cloud(voxel), b.cloud(voxel), 1.5 * voxel, b_T_a.double().numpy()
    )
    return b_T_a, information


def direct(a: RgbdFrame, b: RgbdFrame, distance: float, start: Float[Tensor, "4 4"]) -> Float[Tensor, "4 4"]:
    """Register two frames by photometric and geometric odometry; `start` again where that fails."""
    moved, pose, _ = open3d.pipelines.odometry.compute_rgbd_odometry(
        a.rgbd,
        b.rgbd,
        b.camera,
        start.double().numpy(),
        open3d.pipelines.odometry.RGBDOdometryJacobianFromHybridTerm(),
        open3d.pipelines.odometry.OdometryOption(
            depth_min=0.0, depth_max=float("inf"), depth_diff_max=TOLERANCE * distance
        ),
    )
    return torch.from_numpy(np.array(pose)).float() if moved else start


def from_features(a: RgbdFrame, b: RgbdFrame, distance: float) -> Float[Tensor, "4 4"]:
    """Register two frames that may be far apart, by FPFH features and RANSAC (seeded)."""
    registration = open3d.pipelines.registration
    voxel = VOXELS[0] * distance
    clouds = [frame.cloud(voxel) for frame in (a, b)]
    radius = open3d.geometry.KDTreeSearchParamHybrid(radius=5 * voxel, max_nn=100)
    features = [registration.compute_fpfh_feature(cloud, radius) for cloud in clouds]
    open3d.utility.random.seed(0)
    coarse = registration.registration_ransac_based_on_feature_matching(
        *clouds,
        *features,
        mutual_filter=True,
        max_correspondence_distance=1.5 * voxel,
        estimation_method=registration.TransformationEstimationPointToPoint(False),
        ransac_n=3,
        checkers=[registration.CorrespondenceCheckerBasedOnEdgeLength(0.9)],
        criteria=registration.RANSACConvergenceCriteria(100_000, 0.999),
    )
    return torch.from_numpy(np.array(coarse.transformation)).float()


def refine(a: RgbdFrame, b: RgbdFrame, distance: float, start: Float[Tensor, "4 4"]) -> Float[Tensor, "4 4"]:
    """Refine a registration by coloured ICP, coarse to fine, with a robust kernel against what moves."""
    registration = open3d.pipelines.registration
    pose = start.double().numpy()
    for share in VOXELS:
        voxel = share * distance
        kernel = registration.TukeyLoss(k=voxel)
        estimation = registration.TransformationEstimationForColoredICP(kernel=kernel)
        try:
            pose = registration.registration_colored_icp(
                a.cloud(voxel), b.cloud(voxel), 1.5 * voxel, pose, estimation
            ).transformation
        except RuntimeError:  # no correspondences
            return start
    return torch.from_numpy(np.array(pose)).float()


def agreement(a: RgbdFrame, b: RgbdFrame, b_T_a: Float[Tensor, "4 4"]) -> float:
    """Measure how far each frame explains the other: the smaller share of points that agree among those seen."""
    return min(overlap(a, b, b_T_a, among_seen=True), overlap(b, a, invert(b_T_a), among_seen=True))


def agrees(a: RgbdFrame, b: RgbdFrame, b_T_a: Float[Tensor, "4 4"]) -> bool:
    """Tell whether the points of each frame, carried into the other, agree with its depth."""
    shared = min(overlap(a, b, b_T_a), overlap(b, a, invert(b_T_a)))
    return shared >= MIN_OVERLAP and agreement(a, b, b_T_a) >= MIN_AGREEMENT


def overlap(a: RgbdFrame, b: RgbdFrame, b_T_a: Float[Tensor, "4 4"], among_seen: bool = False) -> float:
    """Measure the share of the points of `a` that agree with the depth of `b`, to within `TOLERANCE` of it.

    `among_seen` counts only points that land in `b` where its depth is known, and are not hidden behind it.
    """
    xyz = transform_points(a.points.xyz[a.points.valid], b_T_a)
    height, width = b.depth.shape
    pixels = project(xyz, b.intrinsics).nan_to_num(-1).floor()
    col, row = pixels.clamp(-1, max(height, width)).long().unbind(-1)
    inside = (col >= 0) & (col < width) & (row >= 0) & (row < height)
    xyz, seen = xyz[inside], b.depth[row[inside], col[inside]]
    gap = (xyz[:, 2] - seen) / seen
    agree = int((gap.abs() <= TOLERANCE).sum())  # NaN and infinity, where the depth is unknown, do not
    counted = int((gap <= TOLERANCE).sum()) if among_seen else int(a.points.valid.sum())
    return agree / max(counted, 1)


def chain(pairs: Sequence[Pair], count: int) -> list[Float[Tensor, "4 4"] | None]:
    """Chain pairs to poses in the first camera, by the fewest steps; None for frames that no chain reaches."""
    poses: list[Tensor | None] = [torch.eye(4), *[None] * (count - 1)]
    edges = [(pair.source, pair.target, pair.target_T_source) for pair in pairs]
    edges += [(pair.target, pair.source, invert(pair.target_T_source)) for pair in pairs]
    reached = [0]
    for node in reached:  # grows: breadth first
        for source, target, target_T_source in edges:
            pose = poses[node]
            if source == node and poses[target] is None and pose is not None:
                poses[target] = pose @ invert(target_T_source)
                reached.append(target)
    return poses


def optimise(pairs: Sequence[Pair], count: int) -> Float[Tensor, "time 4 4"]:
    """Optimise the pose graph of all pairs, with the first camera as its world."""
    registration = open3d.pipelines.registration
    graph = registration.PoseGraph()
    for pose in chain(pairs, count):
        graph.nodes.append(registration.PoseGraphNode((torch.eye(4) if pose is None else pose).double().numpy()))
    for pair in pairs:
        edge = pair.target_T_source.double().numpy()
        uncertain = pair.target - pair.source > 1
        graph.edges.append(
            registration.PoseGraphEdge(pair.source, pair.target, edge, pair.information, uncertain=uncertain)
        )
    with open3d.utility.VerbosityContextManager(open3d.utility.VerbosityLevel.Error):
        registration.global_optimization(
            graph,
            registration.GlobalOptimizationLevenbergMarquardt(),
            registration.GlobalOptimizationConvergenceCriteria(),
            registration.GlobalOptimizationOption(edge_prune_threshold=0.25, reference_node=0),
        )
    return torch.stack([torch.from_numpy(np.array(node.pose)).float() for node in graph.nodes])
