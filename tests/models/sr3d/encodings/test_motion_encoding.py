"""How the picture moves under a region and around it."""

import pytest
import torch

from models.regions import RegionMasks
from models.sr3d.encodings.motion_encoding import MOTION_CHANNELS, SCALE, frame_flow, region_motion

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
    torch.testing.assert_close(found, SCALE * expected)


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
