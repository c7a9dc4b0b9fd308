"""A kernel stands in for torch only where a record shows that it is faster."""

import json
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from benchmarks.speed.kernels import winners
from benchmarks.speed.stopwatch import Race
from models.regions import kernel_choice
from models.regions.kernel_choice import kernel_on_gpu

RECORD = Path(__file__).resolve().parents[3] / "results" / "speed" / "kernels.json"
NAMES = {"tile_image", "tile_mask", "pool_regions"}


def test_the_kernels_in_use_are_those_that_a_record_shows_to_be_faster() -> None:
    tasks = json.loads(RECORD.read_text())["tasks"] if RECORD.exists() else {}
    races = [
        Race(task, {arm: times["seconds"] for arm, times in record["arms"].items()}, record["at_least"])
        for task, record in tasks.items()
    ]
    assert winners(races) & NAMES == kernel_choice.FASTER


def test_a_kernel_stands_in_on_a_gpu_alone_and_only_if_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")

    def tile_mask(mask: torch.Tensor) -> str:
        return "torch"

    chosen = kernel_on_gpu(tile_mask)
    monkeypatch.setattr("models.regions.kernels.tile_mask", lambda mask: "Triton")
    with FakeTensorMode():
        on_gpu = torch.empty(1, device="cuda")
    assert chosen(on_gpu) == "torch"
    monkeypatch.setattr(kernel_choice, "FASTER", frozenset({"tile_mask"}))
    assert chosen(on_gpu) == chosen(mask=on_gpu) == "Triton"
    assert chosen(torch.empty(1)) == "torch"
