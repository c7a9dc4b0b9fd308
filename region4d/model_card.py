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


def write_card(folder: Path, config: DictConfig, summary: str, command: str, manifest: Manifest) -> None:
    """Write `README.md` into the folder of a checkpoint; `summary` says what the model is."""
    text = CARD.format(
        name=f"{config.name}, arm {config.arm.name}" if "processor" in config else config.name,
        data=describe(config.data, config.trainer.max_steps * config.trainer.get("accumulate_grad_batches", 1)),
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


def describe(data: DictConfig, batches: int) -> str:
    """Say what a model was trained on in so many batches of one process."""
    if "store" in data:
        return f"the features of {data.store}"
    if "extractor" in data:
        return f"features of {data.extractor.get('name', data.extractor._target_)}"
    count = data.seeds[1] - data.seeds[0]
    if "objects" in data:
        world = data.objects.world
        return f"{count} masked objects of procedural worlds ({world.height} x {world.width} pixels)"
    world = data.world
    if "frames" not in world:
        return f"{count} objects of procedural worlds"
    if data.get("online_rendering"):  # they come out of a range that is wider than what a training takes
        count = min(count, batches * data.batch_size)
    return f"{count} procedural worlds ({world.frames} frames of {world.height} x {world.width} pixels)"
