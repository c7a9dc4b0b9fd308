"""Labels normalised to the first view: its camera is the world, and its points are at distance 1 on average."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import PointMap, invert, transform_points, valid_depth


@dataclass(frozen=True)
class Labels:
    """The targets of a probe for some views of a clip.

    Lengths are in units of the mean distance of the first view's points from its camera, which is the world
    (`cam_T_world[0]` is the identity). Points, depth and confidence are 0 where the geometry is unknown; `valid` marks
    the pixels that count, and may exclude the background too.
    """

    points: Float[Tensor, "view height width 3"]
    depth: Float[Tensor, "view height width"]
    cam_T_world: Float[Tensor, "view 4 4"]
    intrinsics: Float[Tensor, "view 3 3"]
    confidence: Float[Tensor, "view height width"]
    valid: Bool[Tensor, "view height width"]


def labels_from_depth(
    depth: Float[Tensor, "view height width"],
    intrinsics: Float[Tensor, "view 3 3"],
    world_T_cam: Float[Tensor, "view 4 4"],
    confidence: Float[Tensor, "view height width"] | None = None,
    foreground: Bool[Tensor, "view height width"] | None = None,
) -> Labels:
    """Build labels from z-depth and OpenCV cameras, in any world and any unit; see `labels_from_points`.

    Points are the unprojected depth. Zero, negative, NaN and infinite depth is unknown.

    Raises:
        ValueError: If no depth is known in the first view.
    """
    cam_T_first = _relative(invert(world_T_cam.double()))
    first_T_cam, valid = invert(cam_T_first), valid_depth(depth)
    z = torch.where(valid, depth, torch.zeros_like(depth)).float()
    pixel_to_ray = torch.linalg.inv(intrinsics.double())
    pixel_to_first = first_T_cam[:, :3, :3] @ pixel_to_ray  # from (u, v, 1) to a ray in the first camera
    u, v = (torch.arange(side).to(pixel_to_first) + 0.5 for side in (z.shape[2], z.shape[1]))
    cols = u[:, None] * pixel_to_first[:, None, :, 0]
    rows = v[:, None] * pixel_to_first[:, None, :, 1] + pixel_to_first[:, None, :, 2]
    rays = cols[:, None].to(z) + rows[:, :, None].to(z)
    unit = _unit(z[0][valid[0]] * rays[0][valid[0]].norm(dim=-1))
    xyz = rays.mul_((z / unit)[..., None]).add_(valid[..., None] * (first_T_cam[:, None, None, :3, 3] / unit).to(z))
    points = PointMap(xyz, valid, "world")
    return _labels(points, z / unit, cam_T_first, unit, intrinsics, confidence, foreground)


def labels_from_points(
    points: Float[Tensor, "view height width 3"],
    depth: Float[Tensor, "view height width"],
    intrinsics: Float[Tensor, "view 3 3"],
    cam_T_world: Float[Tensor, "view 4 4"],
    confidence: Float[Tensor, "view height width"] | None = None,
    foreground: Bool[Tensor, "view height width"] | None = None,
) -> Labels:
    """Build labels from points in a common world and OpenCV cameras, which need not agree to the last digit.

    E_i becomes E_i E_0^-1; points are transformed to the first camera; points, depth and the translations of cameras
    are divided by the mean distance of the first view's points from their camera. The published code averages over all
    pixels, which is the same where the geometry is known everywhere, as in labels of VGGT.
    Source: specs/vidfm3d.md section 3.1.

    Args:
        points: points in the world of the cameras; non-finite points are unknown.
        depth: z-depth; zero, negative, NaN and infinite depth is unknown.
        intrinsics: intrinsics in pixels of these maps.
        cam_T_world: camera of each view.
        confidence: confidence of the labels; 1 by default.
        foreground: pixels that count; by default all whose geometry is known. The unit does not depend on it.

    Raises:
        ValueError: If no geometry is known in the first view.
    """
    known = PointMap.from_xyz(points, "world", valid_depth(depth))
    in_first = transform_points(known.xyz.double(), cam_T_world[0].double()).to(points)
    moved = PointMap.from_xyz(in_first, "world", known.valid)
    unit = _unit(moved.xyz[0].double().norm(dim=-1)[moved.valid[0]])
    scaled = torch.where(moved.valid, depth / unit, torch.zeros_like(depth))
    moved = PointMap(moved.xyz / unit, moved.valid, "world")
    return _labels(moved, scaled, _relative(cam_T_world.double()), unit, intrinsics, confidence, foreground)


def _relative(cam_T_world: Float[Tensor, "view 4 4"]) -> Float[Tensor, "view 4 4"]:
    """Make the first camera the world; its pose is then exactly the identity."""
    cam_T_first = cam_T_world @ invert(cam_T_world[0])
    cam_T_first[0] = torch.eye(4).to(cam_T_first)
    return cam_T_first


def _unit(distances: Float[Tensor, "point"]) -> float:
    """Compute the mean distance of the first view's points from its camera."""
    unit = float(distances.double().mean()) if len(distances) else 0.0
    if not unit > 0:
        raise ValueError(
            "no point of the first view is known, but their mean distance is the unit of labels: start with a view "
            "that has depth"
        )
    return unit


def _labels(
    points: PointMap,
    depth: Float[Tensor, "view height width"],
    cam_T_first: Float[Tensor, "view 4 4"],
    unit: float,
    intrinsics: Float[Tensor, "view 3 3"],
    confidence: Float[Tensor, "view height width"] | None,
    foreground: Bool[Tensor, "view height width"] | None,
) -> Labels:
    cam_T_world = cam_T_first.clone()
    cam_T_world[:, :3, 3] /= unit
    weight = torch.ones_like(depth) if confidence is None else confidence
    return Labels(
        points=points.xyz,
        depth=depth,
        cam_T_world=cam_T_world.to(points.xyz),
        intrinsics=intrinsics,
        confidence=torch.where(points.valid & torch.isfinite(weight), weight, torch.zeros_like(weight)),
        valid=points.valid if foreground is None else points.valid & foreground,
    )
