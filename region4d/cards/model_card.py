"""The card of a checkpoint: what made it, from which models, and the licence that follows, as the Hub reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from huggingface_hub import ModelCard, ModelCardData

from benchmarks.records.manifest import Manifest
from region4d.cards.base_models import LIBRARY, BaseModel, bases_of_config, combined_licence
from scenes.storage.atomic import write_text

if TYPE_CHECKING:
    from omegaconf import DictConfig

SR3D_TASK = "image-text-to-text"
TASKS = {"expert4d": "depth-estimation", "lifting": "image-to-3d", "encoders": "image-feature-extraction"}
CARD = """
# {name}

{about}

{summary}

| | |
| --- | --- |
| command | `{command}` |
| commit | {commit} |
| machine | {machine} |
| versions | {versions} |
| made | {time} |
| weights (SHA-256) | {weights} |
{bases}
{end} Licence: {licence}
"""
BASES = """
| made from | | licence | stated in |
| --- | --- | --- | --- |
{rows}
"""


def write_card(folder: Path, config: DictConfig, data: str, summary: str, command: str, manifest: Manifest) -> None:
    """Write `README.md` into the folder of a trained checkpoint.

    Args:
        folder: Of the checkpoint.
        config: Of the training; values of its `model` node name the models that it starts from.
        data: Describes the training data.
        summary: Describes the model.
        command: That made it.
        manifest: Of the checkpoint.
    """
    is_sr3d = "processor" in config
    kind = str(config.name).partition("/")[0]
    _write(
        folder,
        name=f"{config.name}, arm {config.arm.name}" if is_sr3d else config.name,
        about=f"Trained by region4d on {data}, {config.trainer.max_steps} steps, seed {config.seed}.",
        summary=summary,
        command=command,
        manifest=manifest,
        bases=bases_of_config(config.get("model")),
        task=SR3D_TASK if is_sr3d else TASKS.get(kind),
        tags=["sr3d" if is_sr3d else kind],
        end="What it is good for, and where it fails, is in `results/`.",
    )


def write_converted_card(
    folder: Path, name: str, summary: str, command: str, manifest: Manifest, bases: Sequence[BaseModel]
) -> None:
    """Write `README.md` into the folder of an SR-3D that `region4d convert` made of `bases`."""
    _write(
        folder,
        name=name,
        about="Put together by region4d from published weights, without training.",
        summary=summary,
        command=command,
        manifest=manifest,
        bases=bases,
        task=SR3D_TASK,
        tags=["sr3d"],
        end="It was not measured.",
    )


def _write(
    folder: Path,
    name: str,
    about: str,
    summary: str,
    command: str,
    manifest: Manifest,
    bases: Sequence[BaseModel],
    task: str | None,
    tags: list[str],
    end: str,
) -> None:
    licence = combined_licence(bases)
    front = ModelCardData(
        license=licence.license,
        license_name=licence.license_name,
        license_link=licence.license_link,
        base_model=list(dict.fromkeys(name for base in bases for name in base.bases)) or None,
        datasets=list(dict.fromkeys(name for base in bases for name in base.datasets)) or None,
        library_name=LIBRARY,
        pipeline_tag=task,
        tags=tags,
    )
    text = CARD.format(
        name=name,
        about=about,
        summary=summary,
        command=command,
        commit=manifest.commit,
        machine=manifest.machine,
        versions=", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
        time=manifest.time,
        weights=manifest.checkpoint,
        bases=BASES.format(rows="\n".join(map(_row, bases))) if bases else "",
        end=end,
        licence=_sentence(licence, bases),
    )
    card = ModelCard(f"---\n{front.to_yaml()}\n---\n{text}")
    write_text(folder / "README.md", str(card))


def _row(base: BaseModel) -> str:
    handed_on = "" if base.bases == (base.name,) else f" (of {', '.join(base.bases)})"
    return f"| {base.part} | {base.name}{handed_on} | {base.licence_text} | {base.stated_in or 'nowhere'} |"


def _sentence(licence: ModelCardData, bases: Sequence[BaseModel]) -> str:
    if not bases:
        return "Apache-2.0."
    if unknown := [base.name for base in bases if not base.known]:
        return f"that of {', '.join(unknown)} could not be read; check it before you use or pass on this model."
    return f"{licence.license_name or licence.license}, of what it was made from."
