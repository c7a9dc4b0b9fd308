from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.readers.image_files import natural_order
from scenes.readers.rgbd.listing import by_stem, inside, nearest

times = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


@settings(deadline=None, max_examples=100)
@given(times, times)
def test_the_nearest_time_is_that_of_the_whole_table(some: list[float], others: list[float]) -> None:
    one, other = torch.tensor(some, dtype=torch.float64), torch.tensor(others, dtype=torch.float64)
    index, gap = nearest(one, other)
    torch.testing.assert_close(gap, (one[:, None] - other).abs().amin(1), atol=0, rtol=0)
    torch.testing.assert_close((one - other[index]).abs(), gap, atol=0, rtol=0)


def test_many_times_need_no_table() -> None:
    """50,000 x 50,000 numbers would be 20 GB."""
    stamps = torch.arange(50_000, dtype=torch.float64) / 30
    index, gap = nearest(stamps, stamps + 0.01)
    assert torch.equal(index, torch.arange(50_000))
    assert gap.max() < 0.0101


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "b/../../a.png", "..", "a\0.png"])
def test_names_that_lead_out_of_a_folder_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"list.txt names .* outside of"):
        inside(Path("folder"), name, Path("list.txt"))


@pytest.mark.parametrize("name", ["a.png", "./b/a.png", "b/../a.png", "..a.png"])
def test_names_that_stay_inside_are_joined(name: str) -> None:
    assert inside(Path("folder"), name, Path("list.txt")) == Path("folder") / name


def test_frames_count_naturally_and_two_files_of_one_frame_are_refused() -> None:
    paths = [Path(f"{n}.png") for n in ("10", "9", "b2", "b10", "0009")]
    assert [path.stem for path in sorted(paths, key=lambda path: natural_order(path.name))] == [
        "0009",
        "9",
        "10",
        "b2",
        "b10",
    ]
    with pytest.raises(ValueError, match="two files of one frame"):
        by_stem([Path("1.png"), Path("1.npy")])
