"""Checkpoints are whole or not there, and a training continues from the newest whole one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from training.checkpoints import WholeCheckpointIO, find_checkpoint, read_step


def checkpoint(step: int) -> dict[str, object]:
    weights = {"weight": torch.arange(50_000.0)}
    return {"state_dict": weights, "optimizer_states": [], "loops": {}, "global_step": step}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, step in (("epoch=0-step=4.ckpt", 4), ("epoch=0-step=12.ckpt", 12), ("last.ckpt", 16)):
        WholeCheckpointIO().save_checkpoint(checkpoint(step), tmp_path / name)
    return tmp_path


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    match how:
        case "cut":
            path.write_bytes(data[: len(data) // 2])
        case "without its last byte":
            path.write_bytes(data[:-1])
        case "empty":
            path.write_bytes(b"")
        case "zeros in the middle":
            path.write_bytes(data[:100_000] + bytes(50_000) + data[150_000:])
        case "one bit in the weights":
            path.write_bytes(data[:100_000] + bytes([data[100_000] ^ 1]) + data[100_001:])
        case "zeros":
            path.write_bytes(bytes(len(data)))
        case "text":
            path.write_text("<html>not found</html>")
        case "weights alone":
            torch.save(checkpoint(1)["state_dict"], path)


HOW = ("cut", "without its last byte", "empty", "zeros in the middle", "one bit in the weights", "zeros", "text")


def test_the_last_checkpoint_is_taken(folder: Path) -> None:
    found = find_checkpoint(folder)
    assert found is not None
    assert (found.path.name, found.step, found.damaged) == ("last.ckpt", 16, ())


@pytest.mark.parametrize("how", [*HOW, "weights alone"])
def test_a_damaged_one_is_passed_over_for_the_one_with_the_most_steps(folder: Path, how: str) -> None:
    damage(folder / "last.ckpt", how)
    found = find_checkpoint(folder)
    assert found is not None
    assert (found.path.name, found.step) == ("epoch=0-step=12.ckpt", 12)
    assert [path.name for path in found.damaged] == ["last.ckpt"]


def test_where_all_are_damaged_each_is_named_in_one_line(folder: Path) -> None:
    for path in folder.iterdir():
        damage(path, "cut")
    with pytest.raises(ValueError, match=r"last\.ckpt and .*step=12\.ckpt and .*step=4\.ckpt cannot be read") as caught:
        find_checkpoint(folder)
    assert "\n" not in str(caught.value)
    assert f"remove {folder}" in str(caught.value)


def test_no_checkpoint_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".last.123.ckpt").write_bytes(b"a draft")
    assert find_checkpoint(tmp_path) is None
    assert find_checkpoint(tmp_path / "none") is None


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"last\.ckpt cannot be written: the disk is full"):
        WholeCheckpointIO().save_checkpoint(checkpoint(20), folder / "last.ckpt")
    assert read_step(folder / "last.ckpt") == 16
    assert sorted(path.name for path in folder.iterdir()) == [
        "epoch=0-step=12.ckpt",
        "epoch=0-step=4.ckpt",
        "last.ckpt",
    ]
