"""Values of flags that several verbs share."""

from __future__ import annotations

import pytest
import torch

from region4d.flags import read_numbers, torch_device


def test_numbers_are_read_in_their_order() -> None:
    assert read_numbers("region", "0:1,2.5,-3,4e1", "1,2.5,-3,4e1", 4) == (1.0, 2.5, -3.0, 40.0)
    assert read_numbers("point", "5,6", "5,6", 2, 3) == (5.0, 6.0)


@pytest.mark.parametrize("what", ["1,2", "1,2,3,4", "1,two,3", "", "1 2 3"])
def test_another_count_of_numbers_is_refused_with_the_whole_value(what: str) -> None:
    with pytest.raises(ValueError, match=r"^--box '7:.*' needs 3 numbers in pixels, separated by commas$"):
        read_numbers("box", f"7:{what}", what, 3)


def test_all_counts_that_are_allowed_are_named() -> None:
    with pytest.raises(ValueError, match="needs 2 or 3 numbers"):
        read_numbers("point", "1", "1", 2, 3)


def test_a_device_is_taken_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert torch_device("cpu") == torch.device("cpu")
    assert torch_device("cuda") == torch.device("cuda")
    assert torch_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize(("has_gpu", "kind"), [(True, "cuda"), (False, "cpu")])
def test_without_a_name_a_gpu_is_taken_if_there_is_one(
    monkeypatch: pytest.MonkeyPatch, has_gpu: bool, kind: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    assert torch_device(None).type == kind


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpu", "unknown device 'gpu'; use cpu, cuda or cuda:N"),
        ("meta", "unknown device 'meta'; use cpu, cuda or cuda:N"),
        ("cuda:2", "no device 'cuda:2': this machine has 2 GPUs"),
    ],
)
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=said):
        torch_device(name)
