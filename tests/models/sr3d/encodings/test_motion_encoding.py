"""How the picture moves under a region and around it."""

import pytest
import torch

from models.regions import RegionMasks
from models.sr3d.encodings.motion_encoding import (
    EXTENT,
    MOTION_CHANNELS,
    SCALE,
    affine_flow,
    frame_flow,
    region_motion,
)

SIDE = 16  # pixels, of a 4 x 4 grid


def square() -> torch.Tensor:
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[4:8, 4:8] = True  # one cell
    return mask


def masks(tiles: list[int], regions: list[int], count: int) -> RegionMasks:
    names = tuple(f"region {k}" for k in range(count))
    return RegionMasks(
        square().repeat(len(tiles), 1, 1), torch.tensor(tiles).long(), torch.tensor(regions).long(), names
    )


def test_what_moves_against_its_surroundings_differs_from_them() -> None:
    flow = torch.zeros(3, 4, 4, 2)
    flow[..., 0] = 0.1  # the camera
    flow[:, 1, 1] = torch.tensor([0.3, -0.2])  # the region
    (found,) = region_motion(flow, masks([0, 1, 2], [0, 0, 0], 1))
    expected = torch.tensor([0.6, -0.4, 0.2, 0.0, 0.4, -0.4])  # two steps
    torch.testing.assert_close(found[:6], SCALE * expected)


def growing(rate: float) -> torch.Tensor:
    """The flow of a picture that grows from its middle, on a grid of 4 x 4."""
    at = (torch.arange(4) + 0.5) / 2 - 1
    return rate * torch.stack(torch.meshgrid(at, at, indexing="xy"), -1)


def test_a_camera_that_moves_ahead_expands_the_frame_and_what_surrounds_a_region() -> None:
    (found,) = region_motion(growing(0.1).repeat(2, 1, 1, 1), masks([0, 1], [0, 0], 1))
    at_mask = SCALE * 0.1 * torch.tensor([-0.25, -0.25])  # of the second cell, in half pictures
    torch.testing.assert_close(found[:2], at_mask)
    torch.testing.assert_close(found[6:8], at_mask, rtol=0.02, atol=0)  # what the whole frame would have there
    own, ring, frame = found[8:].view(3, 2, 2) / SCALE
    assert not own.any()  # one cell
    for gradient in (ring, frame):
        torch.testing.assert_close(gradient, 0.1 * torch.eye(2), rtol=0.02, atol=1e-3)


def test_autocast_does_not_round_the_motion() -> None:
    flow, of = torch.randn(3, 4, 4, 2), masks([0, 1, 2], [0, 0, 0], 1)
    with torch.autocast("cpu", torch.bfloat16):
        found = region_motion(flow, of)
    assert torch.equal(found, region_motion(flow, of))


def test_an_affine_flow_is_that_of_least_squares() -> None:
    generator = torch.Generator().manual_seed(0)
    flow, weight = torch.rand(3, 5, 7, 2, generator=generator), torch.rand(3, 5, 7, generator=generator)
    weight[2] = 0
    centre, mean, gradient = affine_flow(flow, weight)
    y, x = torch.meshgrid((torch.arange(5) + 0.5) * 2 / 5 - 1, (torch.arange(7) + 0.5) * 2 / 7 - 1, indexing="ij")
    for k in range(2):
        share = (weight[k] / weight[k].sum()).flatten()
        torch.testing.assert_close(centre[k], torch.stack([share @ x.flatten(), share @ y.flatten()]))
        away = torch.stack([x - centre[k, 0], y - centre[k, 1], torch.ones_like(x)], -1).view(-1, 3)
        rows = torch.cat([share.sqrt()[:, None] * away, EXTENT * torch.eye(3)[:2]])
        values = torch.cat([share.sqrt()[:, None] * flow[k].view(-1, 2), torch.zeros(2, 2)])
        solved = torch.linalg.lstsq(rows, values).solution
        torch.testing.assert_close(torch.cat([gradient[k], mean[k, None]]), solved)
    assert not torch.cat([gradient[2], mean[2, None]]).any()


def test_a_gap_is_bridged_and_the_flow_after_the_last_frame_is_not_read() -> None:
    flow = torch.full((5, 4, 4, 2), 0.1)
    flow[2:] = 9.0  # from frame 2, which does not show it, and after its last frame
    (found,) = region_motion(flow, masks([4, 0, 1], [0, 0, 0], 1))  # one step of four
    torch.testing.assert_close(found[:2], torch.full((2,), SCALE * 0.4))


def test_regions_of_a_batch_do_not_meet() -> None:
    flow = torch.randn(4, 4, 4, 2)
    found = region_motion(flow, masks([0, 1, 1, 2, 3], [0, 0, 1, 1, 2], 3))
    torch.testing.assert_close(found[0], region_motion(flow, masks([0, 1], [0, 0], 1))[0])
    torch.testing.assert_close(found[1], region_motion(flow, masks([1, 2], [0, 0], 1))[0])
    assert not found[2].any()  # one frame


def test_no_region_has_no_motion() -> None:
    assert region_motion(torch.zeros(2, 4, 4, 2), masks([], [], 0)).shape == (0, MOTION_CHANNELS)


@pytest.mark.parametrize("frames", [1, 3])
def test_the_last_frame_of_a_batch_has_no_flow(frames: int) -> None:
    flow = frame_flow(torch.rand(frames, 3, SIDE, SIDE), 4, 4)
    assert flow.shape == (frames, 4, 4, 2)
    assert not flow[-1].any()
