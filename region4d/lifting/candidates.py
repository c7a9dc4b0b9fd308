"""Candidates of one object, and the one that a person chooses."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
import typer

from benchmarks.records.manifest import checkpoint_hash
from models.lifting import LiftedObject, Sampling
from models.lifting.human_choices import CHOICES, GivenObject, HumanChoice, add_choice, image_hash, mask_hash
from region4d.lifting.input import LiftInput
from scenes.drawing.meshes import candidate_sheet
from scenes.drawing.regions import save_picture


def check_choice(choose: int, choice: int | None, objects: int) -> None:
    """Refuse a choice that cannot be made, before anything is sampled.

    Raises:
        ValueError: there are fewer candidates than `choice`, several objects, or no terminal to ask on.
    """
    if choice is not None and choice > choose:
        raise ValueError(f"--choice {choice} needs {choice} candidates; use --choose {choice} or more")
    if choose and objects != 1:
        raise ValueError(f"--choose compares candidates of one object, got {objects}; mark one")
    if choose and choice is None and not sys.stdin.isatty():
        raise ValueError(
            "--choose needs an interactive terminal; pass --choice K to choose non-interactively (0 = none)"
        )


def choose_candidate(
    folder: Path,
    given: LiftInput,
    candidates: Sequence[LiftedObject],
    seeds: Sequence[int],
    choice: int | None,
    output: Path,
) -> int:
    """Draw `candidates.png` and ask which one is best (1 to N, 0 for none), unless `choice` answers it.

    During the question a copy of the picture lies beside `output`, since `folder` is a draft.
    """
    titles = [
        f"candidate {number} (seed {seed})"
        + ("" if lifted.support is None else f": {lifted.support:.0%} of the visible points lie on it")
        for number, (seed, lifted) in enumerate(zip(seeds, candidates, strict=True), 1)
    ]
    sheet = candidate_sheet(given.image, given.masks[0], candidates, given.intrinsics, titles)
    sheet.save(folder / "candidates.png")
    if choice is not None:
        return choice
    shown = output.with_name(f"{output.name}_candidates.png")
    save_picture(sheet, shown)
    try:
        while choice is None or not 0 <= choice <= len(candidates):
            choice = typer.prompt(f"{shown} shows them. Which is best, 1 to {len(candidates)} (0: none)", type=int)
    finally:
        shown.unlink()
    return choice


def record_choice(
    folder: Path, given: LiftInput, model: Path, sampling: Sampling, seeds: Sequence[int], choice: int
) -> None:
    """Write the record (`choices.jsonl`) and `given_0.npz`, see `models.lifting.human_choices`."""
    depth = None
    if given.points is not None:
        depth = torch.where(given.points.valid, given.points.xyz[..., 2], 0.0)
    GivenObject(given.image, given.masks[0], depth, given.intrinsics).write(folder / "given_0.npz")
    chosen = seeds[choice - 1] if choice else None
    add_choice(
        folder / CHOICES,
        HumanChoice(
            source=str(given.source.resolve()),
            frame=given.frame,
            mask="mask_0.png",
            image_sha256=image_hash(given.image),
            mask_sha256=mask_hash(given.masks[0]),
            model_sha256=checkpoint_hash(model),
            steps=sampling.steps,
            shortcut=sampling.shortcut,
            chosen=chosen,
            rejected=[seed for seed in seeds if seed != chosen],
            guidance=float(sampling.guidance.weight),
            fit=sampling.fit,
            given="given_0.npz",
        ),
    )
