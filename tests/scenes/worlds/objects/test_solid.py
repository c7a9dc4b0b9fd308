"""Meshes, occupancy and ray casting describe the same solids."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.layout import draw_object
from scenes.worlds.objects.families import FAMILIES, assemble
from scenes.worlds.objects.primitives import Primitive, cone, cylinder, ellipsoid, frustum, torus
from scenes.worlds.objects.solid import object_mesh, occupancy, primitive_mesh, room_mesh, signed_distance, world_mesh
from scenes.worlds.world_random import WorldRandom


def test_rays_hit_the_meshes_where_the_ray_caster_says() -> None:
    open3d = pytest.importorskip("open3d")
    world = make_world(11, WorldConfig(height=96, width=96, frames=2))
    (clip,) = render([world])
    assert clip.truth is not None
    assert clip.depth is not None
    assert clip.intrinsics is not None
    assert clip.world_T_cam is not None
    scene = open3d.t.geometry.RaycastingScene()
    for mesh in [room_mesh(world), *world_mesh(world, 0, segments=96)]:
        parts = (mesh.vertices.numpy(), mesh.faces.numpy().astype(np.uint32))
        scene.add_triangles(*(open3d.core.Tensor.from_numpy(part) for part in parts))
    for t in range(2):
        cam_T_world = torch.linalg.inv(clip.world_T_cam[t])
        rays = scene.create_rays_pinhole(clip.intrinsics[t].double().numpy(), cam_T_world.double().numpy(), 96, 96)
        answer = scene.cast_rays(rays)
        depth = torch.from_numpy(answer["t_hit"].numpy())
        ids = torch.from_numpy(answer["geometry_ids"].numpy().astype(np.uint8))
        same = ids == clip.truth.instances[t]
        assert same.float().mean() > 0.995  # chords of circles lie up to 0.05 % of the radius inside
        assert ((depth - clip.depth[t]).abs()[same] < 0.01).float().mean() > 0.995


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_each_family_fills_exactly_its_box(family: str) -> None:
    for seed in range(3):
        parts, size = assemble(FAMILIES[family](WorldRandom(seed)), 0.8)
        vertices = torch.cat([primitive_mesh(part, 64).vertices for part in parts])
        low, high = vertices.amin(0), vertices.amax(0)
        torch.testing.assert_close(high, torch.tensor(size) / 2, atol=2e-3, rtol=0)  # chords of 64 corners
        torch.testing.assert_close(low, -torch.tensor(size) / 2, atol=2e-3, rtol=0)
        assert max(size) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("part", "volume"),
    [
        (cylinder((0.1, 0.0, 0.0), 0.5, 0.4), torch.pi * 0.25 * 0.8),
        (cone((0.0, 0.2, 0.0), 0.5, 0.4, axis="x"), torch.pi * 0.25 * 0.8 / 3),
        (frustum((0.0, 0.0, 0.0), 0.5, 0.25, 0.4), torch.pi * 0.8 * (0.25 + 0.125 + 0.0625) / 3),
        (ellipsoid((0.0, 0.0, 0.3), (0.5, 0.4, 0.3)), 4 / 3 * torch.pi * 0.06),
        (torus((0.0, 0.0, 0.0), 0.5, 0.2, axis="y"), 2 * torch.pi**2 * 0.5 * 0.04),
    ],
)
def test_meshes_enclose_the_volume_of_the_textbook_with_normals_outwards(part: Primitive, volume: float) -> None:
    mesh = primitive_mesh(part, 96)
    a, b, c = mesh.vertices[mesh.faces].unbind(1)
    signed = (a * torch.linalg.cross(b, c)).sum(-1).sum() / 6
    assert signed.item() == pytest.approx(volume, rel=0.005)  # 96 corners instead of a circle


def test_occupancy_changes_across_the_mesh() -> None:
    obj = draw_object(WorldRandom(5), WorldConfig(families=("rings",)), largest=0.5)
    vertices = object_mesh(obj).vertices
    assert (signed_distance(obj, vertices) < 1e-4).all()  # inner vertices, covered by other parts, are deeper
    assert not occupancy(obj, 2 * vertices[vertices.norm(dim=-1) > 0.24]).any()
