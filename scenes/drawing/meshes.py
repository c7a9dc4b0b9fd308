"""Pictures of lifted objects for people: turned about, laid over their photo, and side by side to choose from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from models.geometry import crop_intrinsics, invert, matrix, resize_intrinsics, transform_points
from models.lifting.inputs.crops import square_boxes
from models.lifting.lift import LiftedObject
from models.lifting.meshes.mesh import ColouredMesh
from models.lifting.meshes.ray_casting import render_meshes
from models.regions.drawing import draw_regions
from scenes.drawing.regions import contact_sheet

SHARPNESS = 2  # renderings are this much larger and averaged down
LONGEST, SHORTEST = 1280, 480  # sides of a photo in a picture, pixels
VIEWS, VIEW_SIDE = 6, 256
ELEVATION_DEG, FIELD_DEG = 25.0, 30.0  # of the camera that goes around an object
DIM, FADED = 0.2, 0.45  # the photo behind a mesh: brightness of its black, and what is left of its contrast
CLOSE = 1.5  # side of a close-up over the longer side of the mask's box
BACKDROP = 0.93


def turntable(objects: Sequence[LiftedObject], titles: Sequence[str], views: int = VIEWS) -> Image.Image:
    """Draw each object from around, one row an object: the first view from the photo's side, then on to its right.

    Objects stand as in their own frame, z up, each filling its cells.
    """
    cells = [cell for lifted in objects for cell in views_around(lifted, views)]
    return contact_sheet(cells, views, _first_of_row(titles, views))


def views_around(lifted: LiftedObject, views: int, side: int = VIEW_SIDE) -> list[Image.Image]:
    """Draw an object from `views` directions around it, the first one the azimuth that the photo was taken from."""
    vertices = lifted.mesh.vertices
    centre = (vertices.amin(0) + vertices.amax(0)) / 2
    radius = float((vertices - centre).norm(dim=1).max())
    focal = side / 2 / math.tan(math.radians(FIELD_DEG) / 2)
    distance = 1.05 * radius / math.sin(math.radians(FIELD_DEG) / 2)
    camera = invert(lifted.cam_T_obj)[:3, 3] - lifted.scale * centre
    start = math.atan2(float(camera[1]), float(camera[0]))
    intrinsics = torch.tensor([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]])
    pictures = []
    for k in range(views):
        azimuth, elevation = start + 2 * math.pi * k / views, math.radians(ELEVATION_DEG)
        away = torch.tensor(
            [
                math.cos(elevation) * math.cos(azimuth),
                math.cos(elevation) * math.sin(azimuth),
                math.sin(elevation),
            ]
        )
        cam_T_obj = looking_at(centre + distance * away, centre)
        turned = ColouredMesh(transform_points(vertices, cam_T_obj), lifted.mesh.faces, lifted.mesh.colours)
        backdrop = torch.full((3, side, side), BACKDROP)
        pictures.append(_to_picture(_overlay(backdrop, [turned], intrinsics)))
    return pictures


def looking_at(eye: Float[Tensor, "3"], target: Float[Tensor, "3"]) -> Float[Tensor, "4 4"]:
    """Build cam_T_obj of a camera at `eye` that looks at `target`, upright in a frame whose z is up."""
    forward = F.normalize(target - eye, dim=0)
    right = F.normalize(torch.linalg.cross(forward, forward.new_tensor([0.0, 0.0, 1.0])), dim=0)
    obj_T_cam = matrix(torch.stack([right, torch.linalg.cross(forward, right), forward], -1), eye)
    return invert(obj_T_cam)


def over_photo(
    image: UInt8[Tensor, "3 height width"],
    masks: Sequence[Bool[Tensor, "height width"]],
    objects: Sequence[LiftedObject],
    intrinsics: Float[Tensor, "3 3"],
) -> Image.Image:
    """Draw `photo_and_meshes` side by side, with titles."""
    pictures = photo_and_meshes(image, masks, objects, intrinsics)
    return contact_sheet(pictures, 2, ["photo and masks", "lifted meshes over the photo"])


def photo_and_meshes(
    image: UInt8[Tensor, "3 height width"],
    masks: Sequence[Bool[Tensor, "height width"]],
    objects: Sequence[LiftedObject],
    intrinsics: Float[Tensor, "3 3"],
) -> tuple[Image.Image, Image.Image]:
    """Draw the photo with the outlines of the masks, and the meshes over the faded photo, in their place.

    `intrinsics` are those of the photo, pixels with centres at .5. Nothing in the photo hides a mesh.
    """
    image, stacked, intrinsics = fitted(image, torch.stack(list(masks)), intrinsics)
    marked = draw_regions(image, dict(enumerate(stacked)), min_side=1)
    meshes = [lifted.in_camera() for lifted in objects]
    return marked, _to_picture(_overlay(faded(image), meshes, intrinsics))


def candidate_sheet(
    image: UInt8[Tensor, "3 height width"],
    mask: Bool[Tensor, "height width"],
    candidates: Sequence[LiftedObject],
    intrinsics: Float[Tensor, "3 3"],
    titles: Sequence[str],
    views: int = 4,
) -> Image.Image:
    """Draw one row a candidate, numbered from 1: the photo about the mask, the mesh over it, and `views` views."""
    image, mask, intrinsics = close_up(image, mask, intrinsics)
    cells: list[Image.Image] = []
    for number, lifted in enumerate(candidates, 1):
        marked = draw_regions(image, {number: mask}, min_side=1)
        drawn = _to_picture(_overlay(faded(image), [lifted.in_camera()], intrinsics))
        cells += [marked, drawn, *views_around(lifted, views)]
    return contact_sheet(cells, views + 2, _first_of_row(titles, views + 2))


def close_up(
    image: UInt8[Tensor, "3 height width"],
    mask: Bool[Tensor, "height width"],
    intrinsics: Float[Tensor, "3 3"],
    side: int = VIEW_SIDE,
) -> tuple[UInt8[Tensor, "3 side side"], Bool[Tensor, "side side"], Float[Tensor, "3 3"]]:
    """Cut a square of half as much again about the mask, at `side` pixels; beyond the photo it is pale."""
    left, top, cut = (int(x) for x in square_boxes(mask[None], CLOSE)[0].round().tolist())
    height, width = mask.shape
    border = (-left, left + cut - width, -top, top + cut - height)  # what to add to each side; negative cuts
    image = F.pad(image, border, value=round(255 * BACKDROP))
    return resized(image, F.pad(mask, border), crop_intrinsics(intrinsics, left, top), (side, side))


def fitted(
    image: UInt8[Tensor, "3 height width"],
    masks: Bool[Tensor, "object height width"],
    intrinsics: Float[Tensor, "3 3"],
) -> tuple[UInt8[Tensor, "3 _ _"], Bool[Tensor, "object _ _"], Float[Tensor, "3 3"]]:
    """Bring a photo to a size for pictures: its shorter side at least SHORTEST, its longer one at most LONGEST."""
    height, width = image.shape[1:]
    zoom = min(max(1.0, SHORTEST / min(height, width)), LONGEST / max(height, width))
    return resized(image, masks, intrinsics, (max(1, round(zoom * height)), max(1, round(zoom * width))))


def resized(
    image: UInt8[Tensor, "3 height width"],
    masks: Bool[Tensor, "*object height width"],
    intrinsics: Float[Tensor, "3 3"],
    size: tuple[int, int],
) -> tuple[UInt8[Tensor, "3 _ _"], Bool[Tensor, "*object _ _"], Float[Tensor, "3 3"]]:
    """Resize a photo with its masks and camera to (height, width)."""
    smooth = F.interpolate(image[None].float(), size, mode="bilinear", antialias=True)[0]
    stacked = masks.reshape(1, -1, *masks.shape[-2:]).float()
    nearest = F.interpolate(stacked, size, mode="nearest-exact").reshape(*masks.shape[:-2], *size) > 0
    camera = resize_intrinsics(intrinsics, (image.shape[1], image.shape[2]), size)
    return smooth.round().clamp(0, 255).to(torch.uint8), nearest, camera


def faded(image: UInt8[Tensor, "3 height width"]) -> Float[Tensor, "3 height width"]:
    """Turn a photo to a dim grey one, before which a mesh stands out."""
    grey = image.float().mean(0, keepdim=True) / 255
    return (DIM + FADED * grey).expand(3, -1, -1)


def _first_of_row(titles: Sequence[str], columns: int) -> list[str]:
    """Give each title the first cell of a row."""
    return [cell for title in titles for cell in (title, *[""] * (columns - 1))]


def _overlay(
    backdrop: Float[Tensor, "3 height width"], meshes: Sequence[ColouredMesh], intrinsics: Float[Tensor, "3 3"]
) -> Float[Tensor, "3 height width"]:
    """Lay smooth-edged meshes over a picture in [0, 1]."""
    height, width = backdrop.shape[1:]
    large = SHARPNESS * height, SHARPNESS * width
    seen = render_meshes(meshes, resize_intrinsics(intrinsics, (height, width), large), *large)
    rgb, alpha = (
        reduce(x, "c (h a) (w b) -> c h w", "mean", a=SHARPNESS, b=SHARPNESS)
        for x in (seen.rgb, seen.hit[None].float())
    )
    composed: Tensor = rgb + (1 - alpha) * backdrop
    return composed


def _to_picture(image: Float[Tensor, "3 height width"]) -> Image.Image:
    return Image.fromarray(rearrange((255 * image).round().to(torch.uint8), "c h w -> h w c").contiguous().numpy())
