"""One normalised frame for the points and cameras of a clip."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from models.geometry import PointMap, cam_to_z_up, matrix
from models.regions import TilePlan
from models.sr3d.inputs.canonical import canonical_scene, face_first_camera
from tests.support.sr3d import world_points

WHOLE = TilePlan(1, 1, 8)


def poses(*centres: tuple[float, float, float]) -> Tensor:
    return matrix(torch.eye(3).expand(len(centres), 3, 3), torch.tensor(centres, dtype=torch.float32))


def test_a_clip_without_points_knows_nothing_for_every_tile_and_the_thumbnail() -> None:
    scene = canonical_scene(None, poses((0, 0, 0)), TilePlan(2, 3, 8), (1, 16, 24), 2, metric=False)
    assert scene.points_valid.shape == (7, 2, 2)
    assert not scene.points_valid.any()
    assert not scene.camera_known.any()
    assert scene.normalizer is None


def test_points_and_cameras_share_one_frame() -> None:
    points = world_points(0, 2, 8, 8)
    centres = torch.tensor([[1.0, 2, 3], [4, 5, 6]])
    scene = canonical_scene(points, poses(*map(tuple, centres.tolist())), WHOLE, (2, 8, 8), 8, metric=False)
    assert scene.normalizer is not None
    back = scene.camera_centres * scene.normalizer.scale + scene.normalizer.shift
    torch.testing.assert_close(back, centres)
    assert scene.camera_known.all()
    assert torch.equal(scene.points_valid, points.valid)  # a cell a pixel: nothing is averaged
    known = (scene.points * scene.normalizer.scale + scene.normalizer.shift)[points.valid]
    within = scene.points[points.valid].abs().amax(-1) < 1  # what is farther is clipped
    torch.testing.assert_close(known[within], points.xyz[points.valid][within])


def test_metres_are_kept_where_asked_for() -> None:
    points = world_points(0, 1, 8, 8)
    twice = PointMap(2 * points.xyz, points.valid, "world")
    scene, scaled = (canonical_scene(one, None, WHOLE, (1, 8, 8), 8, metric=True) for one in (points, twice))
    assert scene.normalizer is not None
    assert scaled.normalizer is not None
    assert scene.normalizer.scale == scaled.normalizer.scale
    assert not scene.camera_known.any()  # of a world without poses


def test_an_image_in_its_camera_frame_is_turned_upright_and_its_camera_is_the_origin() -> None:
    xyz = world_points(0, 1, 8, 8).xyz.abs() + 1
    points = PointMap.from_xyz(xyz, "cam")
    scene = canonical_scene(points, None, WHOLE, (1, 8, 8), 8, metric=False)
    upright = canonical_scene(cam_to_z_up(points), poses((0, 0, 0)), WHOLE, (1, 8, 8), 8, metric=False)
    torch.testing.assert_close(scene.points, upright.points)
    torch.testing.assert_close(scene.camera_centres, upright.camera_centres)
    assert scene.camera_known.all()


def test_tiles_are_cut_row_by_row_and_the_thumbnail_comes_last() -> None:
    rows, cols = torch.meshgrid(torch.arange(4.0), torch.arange(8.0), indexing="ij")
    xyz = 0.1 * torch.stack([cols, rows, torch.ones_like(rows)], -1)[None]  # near enough that nothing is clipped
    points = PointMap(xyz, torch.ones(1, 4, 8, dtype=torch.bool), "world")
    scene = canonical_scene(points, None, TilePlan(1, 2, 4), (1, 4, 8), 2, metric=True)
    assert scene.normalizer is not None
    x = 10 * (scene.points[..., 0] * scene.normalizer.scale + scene.normalizer.shift[0])
    torch.testing.assert_close(x[:, 0], torch.tensor([[0.5, 2.5], [4.5, 6.5], [1.5, 5.5]]))


def test_points_that_do_not_fit_the_video_are_refused() -> None:
    with pytest.raises(ValueError, match=r"points cover \(2, 8, 8\), the video \(3, 8, 8\)"):
        canonical_scene(world_points(0, 2, 8, 8), None, WHOLE, (3, 8, 8), 2, metric=False)
    cam = PointMap.from_xyz(world_points(0, 2, 8, 8).xyz.abs() + 1, "cam")
    with pytest.raises(ValueError, match="points of several frames are in their camera frames"):
        canonical_scene(cam, None, WHOLE, (2, 8, 8), 2, metric=False)


def test_a_world_is_turned_until_its_first_camera_looks_along_y() -> None:
    along_x = torch.tensor([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])  # right, down, forward as columns
    world_T_cam = matrix(along_x.expand(2, 3, 3), torch.tensor([[1.0, 2, 3], [4, 5, 6]]))
    points = world_points(0, 2, 8, 8)
    turned, cameras = face_first_camera(points, world_T_cam)
    assert turned is not None
    assert cameras is not None
    torch.testing.assert_close(cameras[0, :3, 2], torch.tensor([0.0, 1, 0]))
    torch.testing.assert_close(turned.xyz[..., 2], points.xyz[..., 2])  # about the vertical
    before = (points.xyz[0] - world_T_cam[0, :3, 3]).norm(dim=-1)[points.valid[0]]
    after = (turned.xyz[0] - cameras[0, :3, 3]).norm(dim=-1)[points.valid[0]]
    torch.testing.assert_close(after, before)


def test_what_has_no_world_or_no_camera_is_not_turned() -> None:
    points = world_points(0, 1, 8, 8)
    assert face_first_camera(points, None) == (points, None)
    assert face_first_camera(None, None) == (None, None)
