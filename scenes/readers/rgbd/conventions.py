"""The convention of camera poses, checked by reprojecting the depth of one frame into another.

Where the camera moves and two frames see the same surface, depth of one agrees with depth of the other under the right
convention only. A camera that stands still says nothing, and a folder without overlap neither: both pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import invert, project, transform_points

POINTS = 400  # of a frame, evenly spaced over its valid pixels
TOLERANCE = 0.03  # relative difference of depth that still agrees: noise of sensors and of poses
OVERLAP = 0.3  # share of the points that another frame must see to say anything
RIGHT = 0.7  # share of them that agrees under the right convention; moving objects and edges do not
WRONG = 0.7  # times that share: as much agrees at most under a wrong one
PAIRS = 2  # that must say so, and none may say the opposite; and so must the mean of all
ANCHORS = 3  # frames with a partner
REACH = 30  # frames from an anchor to its partner
TURN_DEG = 8.0  # rotation that makes a partner, whatever the convention
FLAT = 0.1  # spread of depth, from the 10 % to the 90 % quantile over the median: a plane head-on says nothing
FAR = 20.0  # times the median depth: no camera goes that far from a frame to its partner

View = tuple[Float[Tensor, "height width"], Float[Tensor, "3 3"]]


@dataclass(frozen=True)
class Convention:
    """What poses may hold instead of world_T_cam: its inverse, other camera axes, millimetres."""

    holds: str
    cure: str
    inverse: bool = False
    axes: tuple[int, int, int] = (1, 1, 1)
    units: int = 1

    def world_T_cam(self, poses: Float[Tensor, "time 4 4"]) -> Float[Tensor, "time 4 4"]:
        """Convert poses of this convention."""
        converted = (invert(poses) if self.inverse else poses) * poses.new_tensor([*self.axes, 1])
        converted[:, :3, 3] /= self.units
        return converted


_AXES = {
    (1, -1, -1): ("with OpenGL camera axes (y up, z backward)", "second and third"),
    (-1, -1, 1): ("with camera axes x left, y up", "first and second"),
    (-1, 1, -1): ("with camera axes x left, z backward", "first and third"),
}
CONVENTIONS = (
    Convention("cam_T_world, the inverse", "invert each matrix", inverse=True),
    *(
        Convention(f"world_T_cam {what}", f"negate their {columns} column", axes=a)
        for a, (what, columns) in _AXES.items()
    ),
    *(
        Convention(f"cam_T_world {what}", f"invert each matrix and negate its {columns} column", inverse=True, axes=a)
        for a, (what, columns) in _AXES.items()
    ),
    Convention("world_T_cam in millimetres", "divide their translations by 1000", units=1000),
)
AS_GIVEN = Convention("world_T_cam", "")


def check_conventions(
    world_T_cam: Float[Tensor, "time 4 4"], index: Sequence[int], view: Callable[[int], View], metric: bool, name: str
) -> None:
    """Check that poses are world_T_cam with OpenCV axes, in the units of the depth.

    Args:
        world_T_cam: the poses of all frames.
        index: the frames that are read.
        view: gives depth (0 where unknown) and intrinsics of a frame; called for at most 6 frames.
        metric: whether depth is in metres; else the units of the poses are not questioned.
        name: begins the message.

    Raises:
        ValueError: another convention fits clearly better.
    """
    pairs = choose_pairs(world_T_cam, index)
    if not pairs:
        return
    views = {i: view(i) for i in {i for pair in pairs for i in pair}}
    points = {i: _points(*views[i]) for i in views}
    pairs = [(i, j) for i, j in pairs if _is_deep(points[i])]
    if not pairs:
        return
    median = torch.cat([one[:, 2] for one in points.values()]).median()
    steps = [float((world_T_cam[i] - world_T_cam[j])[:3, 3].norm()) for i, j in pairs]
    far = [step > FAR * float(median) for step in steps]
    given = _agreement(AS_GIVEN, world_T_cam, pairs, views, points)
    best, verdict = 0.0, None
    for convention in CONVENTIONS:
        if convention.units != 1 and not metric:
            continue
        other = _agreement(convention, world_T_cam, pairs, views, points)
        votes = []
        for seen, fits, is_far in zip(given, other, far, strict=True):
            if convention.units != 1 and not is_far:
                continue  # smaller units would only hide the jitter of poses
            if fits is not None and fits >= RIGHT:
                votes.append((seen or 0) <= WRONG * fits)
            if seen is not None and seen >= RIGHT and (fits or 0) <= WRONG * seen:
                return  # one pair that fits as it is
        mean = _mean(other)
        if sum(votes) >= PAIRS and mean >= RIGHT and _mean(given) <= WRONG * mean and mean > best:
            best, verdict = mean, (convention, other)
    if verdict is not None:
        convention, other = verdict
        before, after = 100 * _mean(given), 100 * _mean(other)
        raise ValueError(
            f"{name} looks like {convention.holds}: depth of a frame agrees with that of another at {before:.0f} % of "
            f"the points as given, and at {after:.0f} % when it is read so; {convention.cure}"
        )


def choose_pairs(world_T_cam: Float[Tensor, "time 4 4"], index: Sequence[int]) -> list[tuple[int, int]]:
    """Pair the first, middle and last frame that are read with one nearby that has turned, in both directions."""
    anchors = sorted({index[0], index[len(index) // 2], index[-1]})[:ANCHORS]
    pairs = set()
    for anchor in anchors:
        for sign in (1, -1):
            last = min(max(anchor + sign * REACH, 0), len(world_T_cam) - 1)
            near = range(anchor + sign, last + sign, sign)
            if not near:
                continue
            turned = _turns(world_T_cam[anchor], world_T_cam[list(near)]) >= TURN_DEG
            partner = near[int(turned.float().argmax())] if bool(turned.any()) else last
            pairs.update({(anchor, partner), (partner, anchor)})
            break
    return sorted(pairs)


def _turns(one: Float[Tensor, "4 4"], others: Float[Tensor, "other 4 4"]) -> Float[Tensor, "other"]:
    """Angles (degrees) between orientations; the same for poses, their inverses, and any camera axes."""
    trace = (one[:3, :3] * others[:, :3, :3]).flatten(1).sum(1)
    return torch.rad2deg(torch.arccos(((trace - 1) / 2).clamp(-1, 1)))


def _agreement(
    convention: Convention,
    poses: Float[Tensor, "time 4 4"],
    pairs: Sequence[tuple[int, int]],
    views: dict[int, View],
    points: dict[int, Float[Tensor, "point 3"]],
) -> list[float | None]:
    """Share of the points of a frame that agree with the depth of another; None where too few are seen there."""
    shares: list[float | None] = []
    for i, j in pairs:
        world_T_one, world_T_other = convention.world_T_cam(poses[[i, j]])
        other, intrinsics = views[j]
        xyz = transform_points(points[i], invert(world_T_other) @ world_T_one)
        uv = project(xyz, intrinsics).nan_to_num(-1).clamp(-1, 1e6).floor().long()
        height, width = other.shape
        seen = (uv >= 0).all(1) & (uv[:, 0] < width) & (uv[:, 1] < height)
        measured = other[uv[seen, 1], uv[seen, 0]]
        known = measured > 0
        if int(known.sum()) <= OVERLAP * len(xyz):
            shares.append(None)
            continue
        agrees = (measured - xyz[seen, 2]).abs() < TOLERANCE * measured
        shares.append(float(agrees[known].float().mean()))
    return shares


def _mean(shares: Sequence[float | None]) -> float:
    """Mean over the pairs; one that sees nothing of the other counts as none."""
    return sum(share or 0 for share in shares) / len(shares)


def _is_deep(points: Float[Tensor, "point 3"]) -> bool:
    """Whether a frame has depth, and not the same everywhere."""
    if not len(points):
        return False
    near, middle, far = points[:, 2].quantile(points.new_tensor([0.1, 0.5, 0.9])).tolist()
    return bool(far - near > FLAT * middle)


def _points(depth: Float[Tensor, "height width"], intrinsics: Float[Tensor, "3 3"]) -> Float[Tensor, "point 3"]:
    """Unproject some valid pixels, evenly spaced."""
    valid = (depth > 0).nonzero()
    v, u = valid[torch.linspace(0, len(valid) - 1, min(POINTS, len(valid))).long()].unbind(1)
    z = depth[v, u]
    ray = (torch.stack([u, v], 1) + 0.5 - intrinsics[:2, 2]) / intrinsics.diagonal()[:2]
    return torch.cat([ray * z[:, None], z[:, None]], 1)
