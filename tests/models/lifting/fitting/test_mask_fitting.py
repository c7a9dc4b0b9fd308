"""A shape without depth lands on its mask."""

import numpy as np
import pytest

from models.lifting.fitting.mask_fitting import lay_on_mask
from models.lifting.fitting.pose_fitting import Fit

CAMERA = np.array([[100.0, 0, 80], [0, 100, 60], [0, 0, 1]])
CORNERS = np.stack(np.meshgrid([-0.4, 0.4], [-0.2, 0.2], [-0.3, 0.3]), -1).reshape(-1, 3)


@pytest.mark.parametrize("start", [[0, 0, 1.0], [3, -2, 9.0], [0, 0, -1.0]])
def test_the_box_of_its_picture_becomes_that_of_the_mask(start: list[float]) -> None:
    mask = np.zeros((120, 160), bool)
    mask[70:100, 20:80] = True
    pose = np.eye(4)
    pose[:3, 3] = start
    found = lay_on_mask(CORNERS, Fit(pose, 0.5), mask, CAMERA)
    xyz = found.to_camera(CORNERS)
    assert (xyz[:, 2] > 0).all()
    pixels = (xyz @ CAMERA.T)[:, :2] / xyz[:, 2:]
    low, high = pixels.min(0), pixels.max(0)
    np.testing.assert_allclose((low + high) / 2, [50, 85], atol=0.1)
    assert np.linalg.norm(high - low) == pytest.approx(np.hypot(60, 30), rel=0.01)
    assert found.scale == 0.5
    np.testing.assert_array_equal(found.cam_T_obj[:3, :3], np.eye(3))
