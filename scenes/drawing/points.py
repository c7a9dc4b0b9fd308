"""The points of a clip over time, seen from one viewpoint outside of the clip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from einops import rearrange, reduce
from jaxtyping import Float, Int
from PIL import Image, ImageDraw
from torch import Tensor

from models.geometry import default_intrinsics, project, transform, transform_points, unproject
from models.regions.drawing import draw_regions
from scenes.clip import Clip, uniform_frames
from scenes.drawing.meshes import looking_at
from scenes.drawing.regions import PAPER, contact_sheet

HEIGHT, WIDTH, MARGIN = 320, 480, 16
SHARPNESS = 2  # drawn this much larger and averaged down
FIELD_DEG, ELEVATION_DEG, AZIMUTH_DEG = 40.0, 30.0, 25.0  # of the viewpoint, behind the cameras
MOST_POINTS = 2_000_000  # of all frames together; more are thinned out
LARGEST = 6  # side of a drawn point, pixels
PALE = 0.65  # share of its colour that a point of another frame loses
BEHIND = 1.03  # how much further than it is a point of another frame is drawn
SHOWN = 0.98  # share of the points that the picture holds
SPREAD = 50_000  # points that place the viewpoint
CAMERA, PATH = (213, 60, 0), (90, 90, 90)
CAMERA_SIZE = 0.06  # depth of a drawn camera, relative to the distance of the viewpoint


@dataclass(frozen=True)
class Cloud:
    """Points in the world. `spacing` is the distance to the next pixel on a surface that faces its camera."""

    xyz: Float[Tensor, "point 3"]
    rgb: Float[Tensor, "point 3"]
    frame: Int[Tensor, "point"]
    spacing: Float[Tensor, "point"]


def draw_points(clip: Clip, frames: int = 4) -> Image.Image:
    """Draw frames of a clip, and below each its points, all from one viewpoint above and behind the cameras.

    The points of the frame have their colours. Those of all other frames are pale, so that what moves leaves a trail.
    The camera of the frame is red, at the end of its path.

    Args:
        clip: with depth and poses.
        frames: how many frames are drawn, sampled uniformly.

    Raises:
        ValueError: the clip has no depth or no poses, or no pixel has depth.
    """
    cloud = gather_points(clip)
    chosen = uniform_frames(len(clip), frames)
    view_T_world, intrinsics = _viewpoint(clip, cloud)
    photos = [draw_regions(clip.video[i], {}) for i in chosen]
    photos = [photo.resize((WIDTH, max(1, round(WIDTH * photo.height / photo.width)))) for photo in photos]
    titles = [f"frame {i}, {clip.seconds[i]:.2f} s" for i in chosen]
    above = contact_sheet(photos, len(chosen), titles)
    below = contact_sheet([_draw(clip, cloud, i, view_T_world, intrinsics) for i in chosen], len(chosen))
    sheet = Image.new("RGB", (above.width, above.height + below.height), PAPER)
    sheet.paste(above, (0, 0))
    sheet.paste(below, (0, above.height))
    return sheet


def gather_points(clip: Clip, most: int = MOST_POINTS) -> Cloud:
    """Take the valid points of every frame into the world; every k-th row and column where there are more than `most`.

    Raises:
        ValueError: the clip has no depth or no poses, or no pixel has depth.
    """
    if clip.depth is None or clip.intrinsics is None or clip.world_T_cam is None:
        raise ValueError("points over time need depth and camera poses: estimate both by --geometry NAME")
    step = max(1, math.ceil(math.sqrt(clip.depth.numel() / most)))
    parts = []
    for i, (depth, camera, pose) in enumerate(zip(clip.depth, clip.intrinsics, clip.world_T_cam, strict=True)):
        points = unproject(depth, camera)
        valid = points.valid[::step, ::step]
        xyz = transform(points, pose, "world").xyz[::step, ::step][valid]
        rgb = rearrange(clip.video[i], "c h w -> h w c")[::step, ::step][valid].float() / 255
        spacing = step * depth[::step, ::step][valid] / camera[0, 0]
        parts.append((xyz, rgb, torch.full(spacing.shape, i), spacing))
    xyz, rgb, frame, spacing = (torch.cat(part) for part in zip(*parts, strict=True))
    if not len(xyz):
        raise ValueError("no pixel of these frames has depth: there are no points to draw")
    return Cloud(xyz, rgb, frame, spacing)


def _viewpoint(clip: Clip, cloud: Cloud) -> tuple[Float[Tensor, "4 4"], Float[Tensor, "3 3"]]:
    """Place a viewpoint (view_T_world, intrinsics) from which the cameras and nearly all points are in the picture."""
    assert clip.world_T_cam is not None
    xyz = cloud.xyz[:: max(1, len(cloud.xyz) // SPREAD)]
    target = xyz.median(0).values
    ahead = clip.world_T_cam[:, :2, 2].mean(0)  # horizontal
    azimuth = math.atan2(float(ahead[1]), float(ahead[0])) + math.radians(AZIMUTH_DEG)
    elevation = math.radians(ELEVATION_DEG)
    away = torch.tensor(
        [-math.cos(elevation) * math.cos(azimuth), -math.cos(elevation) * math.sin(azimuth), math.sin(elevation)]
    )
    intrinsics = default_intrinsics(HEIGHT, WIDTH, FIELD_DEG)
    towards = looking_at(target + away, target)
    extent = torch.tensor([WIDTH / 2, HEIGHT / 2]) / intrinsics[0, 0]

    def distance(points: Float[Tensor, "point 3"]) -> Float[Tensor, "point"]:
        """Measure how far from the target the viewpoint must be to have each point in the picture."""
        seen = transform_points(points, towards) - torch.tensor([0.0, 0.0, 1.0])
        return (seen[:, :2].abs() / extent).amax(1) - seen[:, 2]

    cameras = clip.world_T_cam[:, :3, 3]
    far = 1.2 * max(float(distance(xyz).quantile(SHOWN)), float(distance(cameras).max()))
    view_T_world = looking_at(target + far * away, target)
    pixels = project(transform_points(xyz, view_T_world), intrinsics)
    share = (1 - SHOWN) / 2
    low, high = pixels.nanquantile(torch.tensor([share, 1 - share]), 0)
    seen = project(transform_points(cameras, view_T_world), intrinsics)
    low, high = torch.minimum(low, seen.amin(0)), torch.maximum(high, seen.amax(0))
    room = torch.tensor([WIDTH, HEIGHT]) - 2.0 * MARGIN
    zoom = float((room / (high - low).clamp(min=1)).min())
    intrinsics[:2] *= zoom
    intrinsics[:2, 2] = torch.tensor([WIDTH, HEIGHT]) / 2 - zoom * ((low + high) / 2 - intrinsics[:2, 2] / zoom)
    return view_T_world, intrinsics


def _draw(
    clip: Clip, cloud: Cloud, frame: int, view_T_world: Float[Tensor, "4 4"], intrinsics: Float[Tensor, "3 3"]
) -> Image.Image:
    """Draw the points and the cameras up to `frame`."""
    own = (cloud.frame == frame)[:, None]
    paper = torch.tensor(PAPER) / 255
    rgb = torch.where(own, cloud.rgb, cloud.rgb + PALE * (paper - cloud.rgb))
    large = intrinsics.clone()
    large[:2] *= SHARPNESS
    seen = transform_points(cloud.xyz, view_T_world)
    canvas = _splat(torch.where(own, seen, BEHIND * seen), rgb, cloud.spacing, large)
    small = reduce(canvas, "(h a) (w b) c -> h w c", "mean", a=SHARPNESS, b=SHARPNESS)
    picture = Image.fromarray((255 * small).round().to(torch.uint8).numpy())
    _draw_cameras(ImageDraw.Draw(picture), clip, frame, view_T_world, intrinsics)
    return picture


def _splat(
    xyz: Float[Tensor, "point 3"],
    rgb: Float[Tensor, "point 3"],
    spacing: Float[Tensor, "point"],
    intrinsics: Float[Tensor, "3 3"],
) -> Float[Tensor, "height width 3"]:
    """Draw points of the viewpoint's camera as squares that close the gaps between them; the nearest one is seen."""
    height, width = SHARPNESS * HEIGHT, SHARPNESS * WIDTH
    front = xyz[:, 2] > 0
    xyz, rgb, spacing = xyz[front], rgb[front], spacing[front]
    order = xyz[:, 2].argsort()  # from near to far
    xyz, rgb = xyz[order], rgb[order]
    side = (spacing[order] * intrinsics[0, 0] / xyz[:, 2]).ceil().clamp(1, LARGEST).long()
    corner = (project(xyz, intrinsics) - side[:, None] / 2).round().long()
    nearest = torch.full((height * width,), len(xyz))
    for down in range(LARGEST):
        for right in range(LARGEST):
            place = corner + torch.tensor([right, down])
            inside = (side > max(down, right)) & (place >= 0).all(1) & (place[:, 0] < width) & (place[:, 1] < height)
            index = inside.nonzero()[:, 0]
            nearest.scatter_reduce_(0, place[index, 1] * width + place[index, 0], index, "amin")
    colours = torch.cat([rgb, torch.tensor([PAPER]) / 255])
    return colours[nearest].reshape(height, width, 3)


def _draw_cameras(
    draw: ImageDraw.ImageDraw,
    clip: Clip,
    frame: int,
    view_T_world: Float[Tensor, "4 4"],
    intrinsics: Float[Tensor, "3 3"],
) -> None:
    """Draw the path of the cameras up to a frame, and there the pyramid that the camera sees."""
    assert clip.world_T_cam is not None
    assert clip.intrinsics is not None
    path = project(transform_points(clip.world_T_cam[: frame + 1, :3, 3], view_T_world), intrinsics)
    draw.line([tuple(point) for point in path.tolist()], PATH, 2)
    size = CAMERA_SIZE * float(transform_points(clip.world_T_cam[frame, :3, 3], view_T_world).norm())
    (height, width), camera = clip.size, clip.intrinsics[frame]
    corners = torch.tensor([[0.0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]])
    rays = size * corners @ torch.linalg.inv(camera).T
    points = torch.cat([torch.zeros(1, 3), rays])
    apex, *ends = project(transform_points(transform_points(points, clip.world_T_cam[frame]), view_T_world), intrinsics)
    for one, other in zip(ends, [*ends[1:], ends[0]], strict=True):
        draw.line([*apex.tolist(), *one.tolist()], CAMERA, 2)
        draw.line([*one.tolist(), *other.tolist()], CAMERA, 2)
