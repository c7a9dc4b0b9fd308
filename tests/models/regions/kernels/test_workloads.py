"""What `region4d speed kernels` times runs, at a small size: a GPU is lent for minutes."""

import pytest
import torch
from torch import Tensor

from benchmarks.speed.kernels import poolings, tilings
from benchmarks.speed.packed_attention import packed_attention
from tests.support.kernels import DEVICE, MARKS

pytest.importorskip("triton")
pytestmark = MARKS


def test_the_arms_run_and_those_of_a_race_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.nn.attention.flex_attention._validate_device", lambda *_: None)  # no gradient on a CPU
    device = torch.device(DEVICE)
    races = {**tilings(device, height=27, width=48, frames=1), **poolings(device, count=2, side=56, channels=16)}
    assert len(races) == 5
    for task, arms in races.items():
        ours, theirs = arms["Triton"](), arms["torch"]()  # torch.compile takes minutes
        assert isinstance(ours, Tensor)
        assert isinstance(theirs, Tensor)
        difference = (ours.float() - theirs.float()).abs().mean()
        assert difference <= (0.5 if ours.dtype == torch.uint8 else 1e-2), task  # grey levels; bfloat16
        arms["copy of the bytes, once"]()
    (attention,) = packed_attention(device, prefix=9, questions=2, length=5, dtype=torch.float32).values()
    for arm in attention.values():
        arm()
