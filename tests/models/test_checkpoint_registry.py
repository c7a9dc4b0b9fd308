import hashlib
from pathlib import Path

import pytest

from models.checkpoint_registry import CHECKPOINTS, ShippedCheckpoint, checkpoint_folder, shipped_checkpoints

SHIPPED = shipped_checkpoints().values()


@pytest.mark.parametrize("checkpoint", SHIPPED, ids=lambda checkpoint: checkpoint.name)
def test_the_registry_says_what_the_folder_holds(checkpoint: ShippedCheckpoint) -> None:
    weights = checkpoint.folder / checkpoint.weights
    assert weights.stat().st_size == checkpoint.size
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == checkpoint.sha256
    card = (checkpoint.folder / "README.md").read_text()
    assert checkpoint.sha256 in card
    assert f"| command | `{checkpoint.command}`" in card


def test_shipped_checkpoints_are_small() -> None:
    assert sum(checkpoint.size for checkpoint in SHIPPED) < 42 * 10**6


def test_a_name_is_a_shipped_folder_and_any_other_path_is_itself() -> None:
    assert checkpoint_folder("lift_tiny") == CHECKPOINTS / "lift_tiny"
    assert checkpoint_folder(Path("lift_tiny")) == CHECKPOINTS / "lift_tiny"
    assert checkpoint_folder("runs/lift_tiny") == Path("runs/lift_tiny")
