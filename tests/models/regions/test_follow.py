import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.regions import Region, follow
from models.regions.follow import CELLS, colour_cells

SIZE = 64


def square(left: int, top: int, side: int = 12) -> Tensor:
    mask = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    mask[top : top + side, left : left + side] = True
    return mask


def moving_square(lefts: list[int], top: int = 20) -> Tensor:
    """A textured square that moves over a background with a gradient."""
    generator = torch.Generator().manual_seed(0)
    texture = torch.randint(150, 256, (3, 12, 12), generator=generator, dtype=torch.uint8)
    ground = torch.linspace(0, 100, SIZE).to(torch.uint8).expand(3, SIZE, SIZE)
    video = ground.repeat(len(lefts), 1, 1, 1)
    for frame, left in zip(video, lefts, strict=True):
        frame[:, top : top + 12, left : left + 12] = texture
    return video


def overlap(one: Tensor, other: Tensor) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_moving_square_is_found_on_every_frame_before_and_after_the_marked_one() -> None:
    lefts = [8, 14, 20, 26, 32]
    (track,) = follow(moving_square(lefts), [Region({2: square(lefts[2], 20)}, "it")])
    assert sorted(track.masks) == [0, 1, 2, 3, 4]
    assert torch.equal(track.masks[2], square(lefts[2], 20))  # what was marked stays
    assert min(overlap(track.masks[t], square(left, 20)) for t, left in enumerate(lefts)) > 0.6
    assert track.name == "it"


def test_regions_of_several_frames_and_pictures_stay_as_they_are() -> None:
    video = moving_square([8, 14, 20])
    marked = [Region({0: square(8, 20), 2: square(20, 20)}), Region({1: square(40, 40)})]
    first, second = follow(video, marked)
    assert first is marked[0]
    assert len(second.masks) == 3
    assert follow(video[:1], [Region({0: square(8, 20)})])[0].masks.keys() == {0}


def test_what_leaves_the_picture_is_not_marked_any_more() -> None:
    video = moving_square([40, 48, 52])
    video = torch.cat([video, moving_square([0])[:, :, :, 12:].repeat(1, 1, 1, 2)[..., :SIZE]])  # gone: ground alone
    (track,) = follow(video, [Region({0: square(40, 20)})])
    assert 2 in track.masks
    assert 3 not in track.masks


def test_following_together_is_following_alone() -> None:
    video = moving_square([8, 14, 20])
    regions = [Region({0: square(8, 20)}), Region({0: square(40, 40)}), Region({2: square(20, 20)})]
    for together, region in zip(follow(video, regions), regions, strict=True):
        (alone,) = follow(video, [region])
        assert together.masks.keys() == alone.masks.keys()
        assert all(torch.equal(together.masks[t], alone.masks[t]) for t in alone.masks)


@pytest.mark.parametrize("portion", [1, 5000, 2**23])
@pytest.mark.parametrize("size", [(48, 64), (1, 700), (33, 47), (123, 457), (64, 2000), (5, 5)])
def test_cells_are_to_the_bit_the_means_of_whole_frames(
    size: tuple[int, int], portion: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["models.regions.follow"], "PORTION", portion)  # the package has a function follow
    video = torch.randint(0, 256, (5, 3, *size), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    stride = max(1, round(max(size) / CELLS))
    whole = F.adaptive_avg_pool2d(video.float() / 255, (max(1, size[0] // stride), max(1, size[1] // stride)))
    assert torch.equal(colour_cells(video), whole)


PEAK = """
import resource, torch
from models.regions.follow import colour_cells
video = torch.zeros(24, 3, 1080, 1920, dtype=torch.uint8)
colour_cells(video[:1])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
colour_cells(video)
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


@pytest.mark.long
def test_cells_take_less_memory_than_the_video() -> None:
    done = subprocess.run([sys.executable, "-c", PEAK], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 150e6  # two copies of a portion; whole frames took 1.2 GB beside a video of 150 MB
