"""The card of a trained checkpoint: what it is, and the command, commit and data that made it."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from benchmarks.records.manifest import Manifest, checkpoint_hash
from scenes.storage.atomic import write_text

CARD = """# {name}

Trained by region4d on {data}, {steps} steps, seed {seed}.

{summary}

| | |
| --- | --- |
| command | `{command}` |
| commit | {commit} |
| machine | {machine} |
| versions | {versions} |
| made | {time} |
| weights (SHA-256) | {weights} |

What it is good for, and where it fails, is in `results/`. Licence: Apache-2.0.
"""


def write_card(folder: Path, config: DictConfig, data: str, summary: str, command: str, manifest: Manifest) -> None:
    """Write `README.md` into the folder of a checkpoint; `data` and `summary` describe its training data and itself."""
    text = CARD.format(
        name=f"{config.name}, arm {config.arm.name}" if "processor" in config else config.name,
        data=data,
        steps=config.trainer.max_steps,
        seed=config.seed,
        summary=summary,
        command=command,
        commit=manifest.commit,
        machine=manifest.machine,
        versions=", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        time=manifest.time,
        weights=checkpoint_hash(folder),
    )
    write_text(folder / "README.md", text)
