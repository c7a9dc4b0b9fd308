"""What a picture shows of points in space."""

import torch

from models.lifting.inputs.visibility import visible_colours
from tests.support.lifting import SeenObject


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
