"""Rendering without a graphics card, and the pictures that people get."""

import math

import numpy as np
import pytest
import torch

from models.geometry import crop_intrinsics, default_intrinsics, matrix, project, transform_points
from models.lifting import LiftedObject
from models.lifting.meshes.mesh import ColouredMesh, coloured, extract_mesh
from models.lifting.meshes.ray_casting import render_meshes, vertex_normals
from scenes.drawing.meshes import candidate_sheet, close_up, fitted, looking_at, over_photo, turntable, views_around
from tests.support.lifting import SeenObject, ball, overlap, true_object


def ball_at(centre: tuple[float, float, float], radius: float, colour: tuple[float, float, float]) -> ColouredMesh:
    mesh = extract_mesh(ball(48, 0.4))
    placed = ColouredMesh(mesh.vertices / 0.4 * radius + torch.tensor(centre), mesh.faces, mesh.colours)
    return coloured(placed, torch.tensor(colour).float().expand(len(mesh.vertices), 3))


def test_a_true_mesh_covers_the_mask_of_its_object_at_its_depth(seen: SeenObject) -> None:
    seen_mesh = render_meshes([true_object(seen).in_camera()], seen.intrinsics, *seen.mask.shape)
    assert (
        overlap(seen_mesh.hit, seen.mask) > 0.95
    )  # the rest is the edge: voxels of 1/48, pixels of 1/60 of the object
    error = (seen_mesh.depth - seen.points.xyz[..., 2])[seen_mesh.hit & seen.mask].abs()
    assert error.median() < 0.01 * seen.scale


def test_a_ball_is_a_disc_of_the_size_that_the_pinhole_says() -> None:
    intrinsics = torch.tensor([[100.0, 0, 31.0], [0, 80.0, 40.0], [0, 0, 1]])
    hit = render_meshes([ball_at((0.2, -0.1, 2.0), 0.3, (1, 1, 1))], intrinsics, 64, 80).hit
    rows, cols = hit.nonzero().float().unbind(1)
    u, v = project(torch.tensor([0.2, -0.1, 2.0]), intrinsics).tolist()
    assert float(cols.mean() + 0.5) == pytest.approx(u, abs=0.6)
    assert float(rows.mean() + 0.5) == pytest.approx(v, abs=0.6)
    area = math.pi * (0.3 / 2) ** 2 * 100 * 80  # a silhouette is a little larger than the section through the centre
    assert float(hit.sum()) == pytest.approx(area, rel=0.06)


def test_the_nearer_mesh_hides_the_other_and_nothing_behind_the_camera_is_seen() -> None:
    near, far = ball_at((0, 0, 1.0), 0.2, (1, 0, 0)), ball_at((0, 0, 2.0), 0.8, (0, 0, 1))
    behind = ball_at((0, 0, -1.0), 0.5, (0, 1, 0))
    seen = render_meshes([far, behind, near], default_intrinsics(60, 60), 60, 60)
    assert seen.index[30, 30] == 2
    assert set(seen.index.unique().tolist()) == {-1, 0, 2}
    assert seen.depth[30, 30] == pytest.approx(0.8, abs=0.01)
    red, green, blue = seen.rgb[:, 30, 30].tolist()
    assert red > 0.4
    assert green == blue == 0
    assert not seen.rgb[:, ~seen.hit].any()
    assert not seen.depth[~seen.hit].any()


def test_normals_of_a_ball_point_outwards() -> None:
    mesh = extract_mesh(ball(32, 0.4))
    outwards = torch.nn.functional.normalize(mesh.vertices, dim=1)
    assert (vertex_normals(mesh.vertices, mesh.faces) * outwards).sum(1).mean() > 0.98


def test_a_camera_that_looks_at_a_point_sees_it_in_the_middle_and_up_is_up() -> None:
    eye, target = torch.tensor([2.0, -1.0, 1.5]), torch.tensor([0.1, 0.2, 0.3])
    cam_T_obj = looking_at(eye, target)
    x, y, z = transform_points(target, cam_T_obj).tolist()
    assert (x, y, z) == pytest.approx((0, 0, float((target - eye).norm())), abs=1e-5)
    assert transform_points(target + torch.tensor([0, 0, 0.1]), cam_T_obj)[1] < 0
    assert torch.linalg.det(cam_T_obj[:3, :3]).item() == pytest.approx(1, abs=1e-5)


def test_the_first_view_of_a_turntable_is_from_the_side_of_the_photo() -> None:
    """A ball with one red half stands before a camera that sees this half."""
    mesh = extract_mesh(ball(32, 0.4))
    red = torch.where(mesh.vertices[:, :1] > 0, torch.tensor([1.0, 0, 0]), torch.tensor([0, 0, 1.0]))
    obj_T_cam = matrix(torch.tensor([[0.0, 0, -1], [1, 0, 0], [0, -1, 0]]), torch.tensor([3.0, 0, 0]))
    lifted = LiftedObject(coloured(mesh, red), torch.linalg.inv(obj_T_cam), 1.0, None)
    redness = [float(np.asarray(view)[64:192, 64:192, 0].mean()) for view in views_around(lifted, 4)]
    assert redness[0] > 100
    assert redness[2] < 50
    assert redness[1] == pytest.approx(redness[3], rel=0.1)


@pytest.mark.parametrize("size", [(30, 50), (700, 900), (2000, 400)])
def test_a_photo_of_any_size_is_brought_to_one_for_people_with_its_camera(size: tuple[int, int]) -> None:
    image, masks = torch.zeros(3, *size, dtype=torch.uint8), torch.ones(1, *size, dtype=torch.bool)
    large, marked, intrinsics = fitted(image, masks, default_intrinsics(*size))
    height, width = large.shape[1:]
    assert max(height, width) <= 1280
    assert min(height, width) >= min(480, *size) or max(height, width) == 1280
    assert marked.shape == (1, height, width)
    torch.testing.assert_close(intrinsics, default_intrinsics(height, width), rtol=0.02, atol=0.5)


def test_a_close_up_at_a_corner_keeps_the_camera_and_pads_the_photo(seen: SeenObject) -> None:
    mask = torch.zeros_like(seen.mask)
    mask[:20, :10] = True
    image, marked, intrinsics = close_up(seen.image, mask, seen.intrinsics, side=60)
    assert image.shape == (3, 60, 60)
    assert marked.sum() == 20 * 10 * 4  # 30 pixels of the photo at twice their size
    assert (image[:, :9] == 237).all()  # a row further, the edge is smooth
    expected = crop_intrinsics(seen.intrinsics, -10, -5) * torch.tensor([[2.0], [2.0], [1.0]])
    torch.testing.assert_close(intrinsics, expected)


@pytest.mark.long
def test_pictures_are_drawn_of_several_objects(seen: SeenObject) -> None:
    lifted = true_object(seen)
    rows = turntable([lifted, lifted], ["first", "second"])
    assert rows.width > 6 * 256
    assert rows.height > 2 * 256
    both = over_photo(seen.image, [seen.mask, seen.mask], [lifted, lifted], seen.intrinsics)
    assert both.width > 2 * 640
    sheet = candidate_sheet(seen.image, seen.mask, [lifted] * 3, seen.intrinsics, ["a", "b", "c"], views=2)
    assert sheet.height > 3 * 256
    assert sheet.width < 5 * 256


def test_the_mesh_stands_over_the_photo_where_the_object_is(seen: SeenObject) -> None:
    lifted = true_object(seen)
    painted = LiftedObject(
        coloured(lifted.mesh, torch.tensor([0.0, 1.0, 0.0]).expand(len(lifted.mesh.vertices), 3)),
        lifted.cam_T_obj,
        lifted.scale,
        None,
    )
    both = np.asarray(over_photo(seen.image, [seen.mask], [painted], seen.intrinsics)).astype(int)
    right = torch.from_numpy(both[-488:-8, -648:-8])  # the last cell, 480 x 640
    green = right[..., 1] > right[..., 0] + 40
    large = torch.nn.functional.interpolate(seen.mask[None, None].float(), (480, 640), mode="nearest-exact")[0, 0] > 0
    assert overlap(green, large) > 0.93
