"""Tiny networks, and an object of a procedural world with everything that is known of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from models.geometry import PointMap, invert, unproject, voxel_centres
from models.lifting import Conditioner, FlowTransformer, LiftedObject, LiftingModel, OccupancyVAE
from models.lifting.meshes.mesh import extract_mesh
from models.lifting.networks.conditioning import small_image_encoder
from models.lifting.networks.grid import truncated_distance
from models.lifting.networks.point_patches import PointPatchEmbed
from scenes.masked_object import MARGIN
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.objects.solid import signed_distance
from scenes.worlds.world import WorldObject


@dataclass(frozen=True)
class SeenObject:
    """One object in the picture of a world."""

    world_object: WorldObject
    image: Tensor
    mask: Tensor
    points: PointMap
    intrinsics: Tensor
    cam_T_obj: Tensor
    scale: float  # metres; its largest side is MARGIN of the cube

    def inside(self, side: int) -> Tensor:
        """The truth as a decoded field: minus the truncated distance, positive inside."""
        centres = voxel_centres(side, self.points.xyz).reshape(-1, 3)
        distance = signed_distance(self.world_object, self.scale * centres) / self.scale
        return -truncated_distance(distance.reshape(side, side, side))


def ball(side: int, radius: float, centre: tuple[float, float, float] = (0, 0, 0)) -> torch.Tensor:
    """Signed distance to a sphere, positive inside."""
    return radius - (voxel_centres(side, torch.zeros(1)) - torch.tensor(centre)).norm(dim=-1)


def true_object(seen: SeenObject) -> LiftedObject:
    """What a perfect lift would return."""
    return LiftedObject(extract_mesh(seen.inside(48)), seen.cam_T_obj, seen.scale, 1.0)


def overlap(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.fixture(scope="session")
def seen() -> SeenObject:
    world = make_world(3, WorldConfig(height=96, width=128, frames=1, objects=(3, 4), cameras=("static",), noise=0.0))
    (clip,) = render([world], signals=())
    assert clip.truth is not None
    assert clip.depth is not None
    assert clip.intrinsics is not None
    assert clip.world_T_cam is not None
    pixels = [int((clip.truth.instances[0] == k + 1).sum()) for k in range(len(world.objects))]
    largest = pixels.index(max(pixels))
    obj = world.objects[largest]
    return SeenObject(
        obj,
        clip.video[0],
        clip.truth.instances[0] == largest + 1,
        unproject(clip.depth[0], clip.intrinsics[0]),
        clip.intrinsics[0],
        invert(clip.world_T_cam[0]) @ clip.truth.world_T_obj[0, largest],
        max(obj.size) / MARGIN,
    )


@pytest.fixture
def tiny() -> LiftingModel:
    """Untrained networks whose last layers were moved off zero, so that everything has an effect."""
    torch.manual_seed(0)
    vae = OccupancyVAE(resolution=8, channels=(8, 8, 16), blocks=1)
    conditioner = Conditioner(
        width=24,
        image_encoder=small_image_encoder(size=16, patch=8, width=16, depth=1, heads=2),
        mask_encoder=small_image_encoder(size=16, patch=8, width=16, depth=1, heads=2),
        point_encoder=PointPatchEmbed(width=16, size=16, patch=8, heads=2),
    )
    flow = FlowTransformer(side=2, width=24, depth=2, heads=2, context_width=24)
    model = LiftingModel(vae=vae, conditioner=conditioner, flow=flow, image_size=16)
    return shaken(model)


def shaken(model: nn.Module) -> nn.Module:
    """Move every parameter a little."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model.eval()
