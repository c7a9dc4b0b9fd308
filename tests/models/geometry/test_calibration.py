from __future__ import annotations

import pytest
import torch

from models.geometry import PointMap, fit_intrinsics, unproject


def test_an_odd_camera_is_found_from_half_of_its_points() -> None:
    generator = torch.Generator().manual_seed(0)
    intrinsics = torch.tensor([[90.0, 0, 17.3], [0, 70.0, 30.1], [0, 0, 1]])
    depth = (1 + torch.rand(40, 50, generator=generator)) * (torch.rand(40, 50, generator=generator) < 0.5)
    torch.testing.assert_close(fit_intrinsics(unproject(depth, intrinsics)), intrinsics, atol=1e-3, rtol=1e-4)


def test_points_that_fix_no_camera_are_refused() -> None:
    depth = torch.zeros(8, 8)
    depth[:, 3] = 1  # one column
    with pytest.raises(ValueError, match="do not fix a camera"):
        fit_intrinsics(unproject(depth, torch.tensor([[8.0, 0, 4], [0, 8, 4], [0, 0, 1]])))
    with pytest.raises(ValueError, match="frame 'cam'"):
        fit_intrinsics(PointMap(torch.zeros(4, 4, 3), torch.zeros(4, 4, dtype=torch.bool), "world"))
