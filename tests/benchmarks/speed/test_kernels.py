"""The speed suite of a GPU: who wins, and who is refused."""

import pytest
import torch

from benchmarks.speed.kernels import COPY, winners
from benchmarks.speed.stopwatch import Race
from tests.support.programs.command_line import Run, assert_one_line


def test_a_kernel_wins_if_it_beats_every_rival_in_every_race_and_a_copy_is_none() -> None:
    races = [
        Race("tile_image: a video", {"Triton": [1.0], "torch.compile": [1.1], "torch": [3.0], COPY: [0.5]}, 1.0),
        Race("tile_mask: masks", {"Triton": [1.0], "torch.compile": [1.1], "torch": [3.0], COPY: [0.5]}, 1.0),
        Race("tile_mask: others", {"Triton": [1.0], "torch.compile": [0.9], "torch": [3.0], COPY: [0.5]}, 1.0),
    ]
    assert winners(races) == {"tile_image"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("device", [[], ["--device", "cpu"]])
def test_without_a_gpu_there_is_nothing_to_time(region4d: Run, device: list[str]) -> None:
    assert_one_line(region4d("speed", "kernels", *device), "timed on a GPU, not on cpu")
