"""Photographed objects, read once into shards as `MaskedObject`s."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from models.geometry import default_intrinsics, resize_intrinsics, valid_depth
from models.providers import DepthModel, GeometryProvider
from scenes.masked_object import MaskedObject, ObjectStore
from scenes.photographs.photo import ObjectPhoto, PhotoSource, TrueShape
from scenes.storage.cache_key import cache_key

FORMAT = 1  # raise it when the same files give other bytes
ASSUMED_HFOV_DEG = 60.0  # of a photo without a camera, as `region4d lift` assumes
RESOLUTION = 32  # of the grid of distances
RIGID = 1e-3  # largest deviation of a rotation from its inverse's transpose


class PhotoStore(ObjectStore):
    """A sequence of masked objects, one for each photo of a source.

    What a photo does not tell is NaN: its place (`cam_T_obj`, `scale`) and its hidden share. A camera that it does not
    tell is assumed (60 degrees across).

    Args:
        source: of the photos.
        depth_model: estimates the depth of photos without any: a folder or name, as `region4d lift --depth-model`
            takes it. Where its scale is unknown, so is the place of the object.
        longest: pixels; the longest side to which larger photos are shrunk.
        root: folder of the shards.
    """

    work, method = "reading photos", "render"

    def __init__(
        self,
        source: PhotoSource,
        depth_model: str | None = None,
        longest: int = 1024,
        root: Path = Path("outputs/photos"),
    ) -> None:
        self.source, self.depth_model, self.longest = source, depth_model, longest
        key = cache_key("photographed objects", FORMAT, source.identity, depth_model, longest)
        super().__init__(key, range(len(source)), root, size=1)  # photos of different sizes do not stack

    @property
    def about(self) -> str:
        """Describe the photos, and where their depth comes from."""
        return self.source.about + (f"; other depth by {self.depth_model}" if self.depth_model else "")

    @property
    def origin(self) -> str:
        """Say in a report, after their number, where the objects come from."""
        return f"of {self.about}"

    def draw(self, seeds: range) -> list[MaskedObject]:
        """Read the photo of each seed."""
        return [self._item(seed) for seed in seeds]

    def solid(self, item: MaskedObject) -> TrueShape:
        """Read the shape of an item again."""
        return self.source.shape(item.index)

    def cluster(self, item: MaskedObject, seed: int) -> str:
        """Name the object: its photos depend on each other."""
        return item.family

    @cached_property
    def _provider(self) -> GeometryProvider | None:
        return None if self.depth_model is None else DepthModel(self.depth_model)

    def _item(self, seed: int) -> MaskedObject:
        photo = self._shrunk(self.source[seed])
        photo = self._estimated(photo) if photo.depth is None and self._provider is not None else photo
        name, (height, width) = photo.shape.name, photo.mask.shape
        camera = default_intrinsics(height, width, ASSUMED_HFOV_DEG) if photo.intrinsics is None else photo.intrinsics
        cam_T_obj, scale = _place(photo)
        return MaskedObject(
            image=photo.image,
            mask=photo.mask,
            depth=torch.zeros(height, width) if photo.depth is None else photo.depth,
            intrinsics=camera.float(),
            cam_T_obj=cam_T_obj,
            scale=scale,
            distance=photo.shape.distance_grid(RESOLUTION),
            occlusion=torch.tensor(math.nan if photo.hidden is None else photo.hidden),
            family=name,
            world_seed=seed,
            index=seed,
        )

    def _shrunk(self, photo: ObjectPhoto) -> ObjectPhoto:
        """Shrink a photo to `longest`: its colours by averages, mask and depth by the nearest pixel."""
        old = (photo.mask.shape[0], photo.mask.shape[1])
        if max(old) <= self.longest:
            return photo
        new = (round(old[0] * self.longest / max(old)), round(old[1] * self.longest / max(old)))
        image = F.interpolate(photo.image[None].float(), new, mode="bilinear", antialias=True)[0]
        return replace(
            photo,
            image=image.round().clamp(0, 255).to(torch.uint8),
            mask=_nearest(photo.mask.float(), new) > 0.5,
            depth=None if photo.depth is None else _nearest(photo.depth, new),
            intrinsics=None if photo.intrinsics is None else resize_intrinsics(photo.intrinsics, old, new),
        )

    def _estimated(self, photo: ObjectPhoto) -> ObjectPhoto:
        """Estimate the depth of a photo."""
        provider, camera = self._provider, photo.intrinsics
        assert provider is not None
        with torch.no_grad():
            estimate = provider(photo.image[None], None if camera is None else camera[None].float())
        depth = estimate.points.xyz[0, ..., 2]
        depth = torch.where(estimate.points.valid[0] & valid_depth(depth), depth, torch.zeros_like(depth))
        place = photo.cam_T_file if estimate.metric else None
        return replace(photo, depth=depth, intrinsics=estimate.intrinsics[0], cam_T_file=place)


def _place(photo: ObjectPhoto) -> tuple[Float[Tensor, "4 4"], Float[Tensor, ""]]:
    """Split the similarity from the cube to the camera into a rigid pose and a scale; NaN where it is unknown.

    Raises:
        ValueError: the pose of the file is not a rotation, a uniform positive scale and a shift.
    """
    if photo.cam_T_file is None:
        return torch.full((4, 4), math.nan), torch.tensor(math.nan)
    cam_T_cube = photo.cam_T_file.double() @ photo.shape.file_T_cube.double()
    scale = torch.linalg.det(cam_T_cube[:3, :3]).sign() * torch.linalg.det(cam_T_cube[:3, :3]).abs() ** (1 / 3)
    rotation = cam_T_cube[:3, :3] / scale
    if not bool((rotation @ rotation.T - torch.eye(3)).abs().max() < RIGID) or not bool(scale > 0):
        raise ValueError(
            f"the pose of {photo.shape.name} must be a rotation, one positive scale and a shift, got "
            f"{photo.cam_T_file.tolist()}"
        )
    cam_T_cube[:3, :3] = rotation
    return cam_T_cube.float(), scale.float()


def _nearest(picture: Float[Tensor, "height width"], size: tuple[int, int]) -> Float[Tensor, "new_height new_width"]:
    return F.interpolate(picture[None, None], size, mode="nearest-exact")[0, 0]
