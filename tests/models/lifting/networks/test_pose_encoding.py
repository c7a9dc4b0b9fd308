"""Poses as numbers of the layout stream: conventions from hand, and exact ways back."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.geometry import Normalizer, ObjectNormalizer, matrix, swap_pytorch3d, transform_points
from models.lifting.networks.pose_encoding import (
    MEAN,
    STD,
    decode_pose,
    encode_pose,
    rotation_from_6d,
    rotation_to_6d,
)
from tests.support.clips.random_geometry import random_poses, random_rotations, random_world

SEEDS = st.integers(0, 10_000)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_six_numbers_and_back_is_the_same_rotation(seed: int) -> None:
    rotation = random_rotations(torch.Generator().manual_seed(seed), 5).double()
    torch.testing.assert_close(rotation_from_6d(rotation_to_6d(rotation)), rotation, atol=1e-6, rtol=0)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_any_six_numbers_are_a_rotation(seed: int) -> None:
    rotation = rotation_from_6d(torch.randn(5, 6, generator=torch.Generator().manual_seed(seed)).double())
    eye = torch.eye(3, dtype=torch.float64).expand(5, 3, 3)
    torch.testing.assert_close(rotation @ rotation.mT, eye, atol=1e-9, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(5, dtype=torch.float64))


def test_the_numbers_are_columns_of_the_published_row_vector_matrix_before_normalising() -> None:
    """p_cam = p_obj @ Rm in PyTorch3D axes; the six numbers are the first two columns of Rm."""
    cam_T_obj = random_poses(torch.Generator().manual_seed(0), 1)[0]
    p_obj = torch.tensor([0.1, -0.2, 0.3])
    opencv = cam_T_obj[:3, :3] @ p_obj
    pytorch3d = opencv * torch.tensor([-1, -1, 1])
    numbers = rotation_to_6d(cam_T_obj[:3, :3]) * torch.tensor(STD) + torch.tensor(MEAN)
    b1, b2 = numbers[:3], numbers[3:]
    published = torch.stack([b1, b2, torch.linalg.cross(b1, b2)], -1)  # columns
    torch.testing.assert_close(p_obj @ published, pytorch3d)


def test_a_level_camera_sees_z_of_the_object_as_its_up() -> None:
    """From hand: camera x is object x, camera y (down) is object -z, camera z (forward) is object y."""
    level = torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    numbers = rotation_to_6d(level) * torch.tensor(STD) + torch.tensor(MEAN)
    torch.testing.assert_close(numbers, torch.tensor([-1.0, 0, 0, 0, 0, 1]))  # left, up


def test_the_mean_pose_is_encoded_as_zero() -> None:
    rotation = rotation_from_6d(torch.zeros(6))
    a1, a2 = torch.tensor(MEAN).split(3)
    up = rotation[1] * -1  # of the camera, seen from the object
    assert torch.dot(up, a2) / a2.norm() > 0.99
    assert rotation_to_6d(rotation).isfinite().all()
    assert torch.dot(-rotation[0], a1) / a1.norm() > 0.999


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_decoding_undoes_encoding_a_pose_and_its_scale(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    points = random_world(generator, 6, 7)
    normalizer = ObjectNormalizer.fit(points, points.valid)
    poses, scale = random_poses(generator, 4), 0.1 + torch.rand(4, generator=generator)
    batch = Normalizer(normalizer.scale.expand(4), normalizer.shift.expand(4, 3))
    found, found_scale = decode_pose(encode_pose(poses, scale, batch), batch)
    torch.testing.assert_close(found, poses, atol=1e-5, rtol=1e-5)  # float32, coordinates of size 10
    torch.testing.assert_close(found_scale, scale, atol=1e-6, rtol=1e-5)


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_an_encoded_pose_places_points_where_the_normaliser_does(seed: int) -> None:
    """Rule 4 of the spec: t' = (t - shift) / scale, s' = s / scale, R' = R."""
    generator = torch.Generator().manual_seed(seed)
    points = random_world(generator, 6, 7)
    normalizer = ObjectNormalizer.fit(points, points.valid)
    cam_T_obj, side = random_poses(generator, 1), torch.tensor([0.7])
    layout = encode_pose(cam_T_obj, side, Normalizer(normalizer.scale[None], normalizer.shift[None]))
    in_cube = torch.rand(10, 3, generator=generator) - 0.5
    in_cam = transform_points(side * in_cube, cam_T_obj[0])
    rotation = rotation_from_6d(layout["rotation"][0, 0])
    canonical_T_obj = matrix(rotation * layout["scale"].exp().mean(), layout["translation"][0, 0])
    expected = (in_cam - normalizer.shift) / normalizer.scale
    torch.testing.assert_close(transform_points(in_cube, canonical_T_obj), expected, atol=1e-5, rtol=1e-5)


def test_the_three_scales_are_equal_and_their_mean_is_taken_on_the_way_back() -> None:
    normalizer = Normalizer(torch.tensor([2.0]), torch.zeros(1, 3))
    layout = encode_pose(torch.eye(4)[None], torch.tensor([6.0]), normalizer)
    torch.testing.assert_close(layout["scale"], torch.full((1, 1, 3), 3.0).log())
    layout["scale"] = torch.tensor([[[1.0, 2.0, 6.0]]]).log()
    assert decode_pose(layout, normalizer)[1].item() == 6.0


def test_swapping_pytorch3d_axes_twice_changes_nothing_and_keeps_handedness() -> None:
    poses = random_poses(torch.Generator().manual_seed(0), 5)
    assert torch.equal(swap_pytorch3d(swap_pytorch3d(poses)), poses)
    torch.testing.assert_close(torch.linalg.det(swap_pytorch3d(poses)[:, :3, :3]), torch.ones(5))
    left_up_forward = swap_pytorch3d(torch.eye(4))[:3, :3] @ torch.tensor([1.0, 1.0, 1.0])
    assert left_up_forward.tolist() == [-1, -1, 1]
