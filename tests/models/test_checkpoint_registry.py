import hashlib
import os
import subprocess
import sys
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
    assert checkpoint_folder("./lift_tiny") == Path("./lift_tiny")


def test_a_model_of_the_hub_is_read_from_its_cache(tmp_path: Path) -> None:
    """In a process of its own, offline, with the cache as huggingface_hub lays it out."""
    repository = tmp_path / "hub" / "models--lab--model"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    program = (
        "from models.checkpoint_registry import checkpoint_folder\n"
        "print(checkpoint_folder('lab/model'))\n"
        "try:\n    checkpoint_folder('lab/other')\n"
        "except FileNotFoundError as error:\n    print(error)\n"
    )
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert Path(first) == snapshot
    assert second.startswith("no folder 'lab/other', and no such model from the Hub")


def test_a_path_in_a_folder_that_exists_is_not_looked_for_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert checkpoint_folder("runs/unfinished") == Path("runs/unfinished")
