import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from models.geometry import default_intrinsics
from models.geometry.camera_encoding import decode_camera, encode_camera, quaternion, rotation


def turns(count: int = 200) -> np.ndarray:
    """Random rotations, and those by 180 degrees about each axis, where one of the usual formulas divides by 0."""
    half = [Rotation.from_rotvec(np.pi * axis).as_matrix() for axis in np.eye(3)]
    return np.stack([*Rotation.random(count, random_state=0).as_matrix(), *half, np.eye(3)])


def test_quaternions_are_those_of_scipy_with_a_positive_real_part() -> None:
    found = quaternion(torch.from_numpy(turns())).numpy()
    expected = Rotation.from_matrix(turns()).as_quat(canonical=True)
    assert (found[:, 3] >= 0).all()
    cosine = np.abs((found * expected).sum(1))  # a half turn has two quaternions
    np.testing.assert_allclose(cosine, 1, atol=1e-12)


def test_a_camera_survives_encoding_and_decoding() -> None:
    cam_T_world = torch.eye(4).repeat(len(turns()), 1, 1).double()
    cam_T_world[:, :3, :3] = torch.from_numpy(turns())
    cam_T_world[:, :3, 3] = torch.randn(len(turns()), 3, generator=torch.Generator().manual_seed(0)).double()
    intrinsics = default_intrinsics(60, 80, 70.0).double().expand(len(turns()), 3, 3)
    encoding = encode_camera(cam_T_world, intrinsics, 60, 80)
    assert encoding.shape == (len(turns()), 9)
    pose, camera = decode_camera(encoding, 60, 80)
    torch.testing.assert_close(pose, cam_T_world, atol=1e-12, rtol=0)
    torch.testing.assert_close(camera, intrinsics, atol=1e-9, rtol=0)
    assert float(torch.rad2deg(encoding[0, 8])) == pytest.approx(70)  # horizontal, last


def test_a_quaternion_of_any_length_is_a_rotation() -> None:
    q = torch.randn(20, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    torch.testing.assert_close(rotation(3 * q), rotation(q))
    np.testing.assert_allclose(rotation(q), Rotation.from_quat(q.numpy()).as_matrix(), atol=1e-12)
