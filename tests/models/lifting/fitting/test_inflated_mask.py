"""A mask is inflated to a solid of the same outline."""

import numpy as np
import pytest

from models.lifting.fitting.agreement import cast_depth
from models.lifting.fitting.inflated_mask import half_thickness, inflate_mask
from models.lifting.fitting.samples import PosedSample

CAMERA = np.array([[120.0, 0, 80], [0, 120, 60], [0, 0, 1]])
X, Y = np.meshgrid(np.arange(160) + 0.5, np.arange(120) + 0.5)


def outline_iou(solid: PosedSample, mask: np.ndarray) -> float:
    drawn = np.isfinite(cast_depth(solid.in_camera(), CAMERA, np.arange(120), np.arange(160)))
    return float((drawn & mask).sum() / (drawn | mask).sum())


@pytest.mark.parametrize("centre", [(80, 60), (40, 90)])  # also where perspective skews it
def test_a_disc_becomes_a_ball_with_its_outline(centre: tuple[int, int]) -> None:
    mask = (X - centre[0]) ** 2 + (Y - centre[1]) ** 2 < 25**2
    ball = inflate_mask(mask, CAMERA, distance=3.0)
    assert np.linalg.norm(ball.fit.cam_T_obj[:3, 3]) == pytest.approx(3)
    assert outline_iou(ball, mask) > 0.96
    sides = np.ptp(ball.mesh.vertices.numpy(), axis=0)
    assert sides.min() / sides.max() > 0.85
    assert np.linalg.det(ball.fit.cam_T_obj[:3, :3]) == pytest.approx(1)


def test_any_outline_is_kept_and_its_holes_are_open() -> None:
    mask = (abs(X - 90) < 40) & (abs(Y - 50) < 12) | (abs(X - 70) < 8) & (abs(Y - 60) < 45)
    mask &= (X - 100) ** 2 + (Y - 50) ** 2 > 6**2
    solid = inflate_mask(mask, CAMERA)
    assert outline_iou(solid, mask) > 0.93
    drawn = cast_depth(solid.in_camera(), CAMERA, np.array([50]), np.array([100]))
    assert not np.isfinite(drawn).any()


def test_the_middle_of_a_disc_is_as_thick_as_wide_and_that_of_a_strip_by_the_root_of_two() -> None:
    grid = np.arange(64) + 0.5 - 32
    disc = grid[:, None] ** 2 + grid**2 < 20**2
    assert half_thickness(disc).max() == pytest.approx(20, rel=0.03)
    strip = np.broadcast_to(abs(grid[:, None]) < 4, (64, 64))
    assert half_thickness(strip).max() == pytest.approx(4 * np.sqrt(2), rel=0.15)  # nine cells and their border


@pytest.mark.parametrize("ratio", [10, 30])
def test_a_thin_mask_is_kept(ratio: int) -> None:
    across, along = (X - 80) - (Y - 60), (X - 80) + (Y - 60)  # at 45 degrees, where cells hold the least of it
    mask = (abs(across) < 90 / ratio) & (abs(along) < 90)
    assert outline_iou(inflate_mask(mask, CAMERA), mask) > 0.7


def test_a_mask_without_an_inside_is_refused() -> None:
    mask = np.zeros((960, 1280), bool)
    mask[480, 100:1200] = True
    with pytest.raises(ValueError, match="too thin to be inflated"):
        inflate_mask(mask, np.array([[960.0, 0, 640], [0, 960, 480], [0, 0, 1]]))
