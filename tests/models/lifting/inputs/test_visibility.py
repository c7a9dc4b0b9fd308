"""What a picture shows of points in space."""

import pytest
import torch

from models.geometry import PointMap, unproject
from models.lifting.inputs.visibility import fit_intrinsics, visible_colours
from tests.support.lifting import SeenObject


def test_the_camera_is_found_again_from_its_points(seen: SeenObject) -> None:
    torch.testing.assert_close(fit_intrinsics(seen.points), seen.intrinsics, atol=1e-2, rtol=1e-4)  # pixels


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


def test_visible_points_have_the_colour_of_their_own_pixel(seen: SeenObject) -> None:
    known = seen.mask & seen.points.valid
    image = seen.image.float() / 255
    xyz = seen.points.xyz[known]
    colours, shown = visible_colours(xyz, image, seen.mask, seen.points, seen.intrinsics, 0.01)
    assert shown.float().mean() > 0.99  # a centre on the edge of its pixel may round to its neighbour
    assert (colours[shown] == image[:, known].T[shown]).all(1).float().mean() > 0.99


def test_points_behind_beside_or_before_the_surface_are_not_seen(seen: SeenObject) -> None:
    xyz = seen.points.xyz[seen.mask & seen.points.valid]
    image = seen.image.float() / 255
    off = torch.tensor([1e3, 0, 0])
    for hidden in (1.3 * xyz, 0.7 * xyz, -xyz, xyz + off):
        colours, shown = visible_colours(hidden, image, seen.mask, seen.points, seen.intrinsics, 0.05)
        assert not shown.any()
        assert not colours.any()
