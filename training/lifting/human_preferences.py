"""Preference pairs of people: the choices of `region4d lift --choose`, with their candidates drawn again."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from models.checkpoint_registry import checkpoint_folder
from models.geometry import crop_intrinsics, resize_intrinsics, unproject
from models.lifting.checkpoint import load_model
from models.lifting.fitting.samples import shape_samples
from models.lifting.flow_matching.sampler import Guidance
from models.lifting.human_choices import CHOICES, GivenObject, HumanChoice, find_choices, image_hash, mask_hash
from models.lifting.inputs.crops import ObjectViews
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.model import LiftingModel
from models.lifting.options import Fitting, Sampling
from training.lifting.data import SeededData

SIDE = 256  # pixels of the squares that pictures of all sizes become: several times what the networks see
log = logging.getLogger(__name__)


class HumanPairs(Dataset[dict[str, Tensor]]):
    """One item a pair: the picture as a square, and the shapes of the chosen and of a rejected candidate."""

    def __init__(self, items: Sequence[dict[str, Tensor]]) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return self.items[index]


class HumanPreferences(SeededData):
    """Pairs of all choices in a folder that were made among candidates of one model.

    Args:
        folder: folder of the model whose candidates were chosen from, and that training starts from.
        choices: folder of outputs of `region4d lift --choose`, at any depth.
        shuffled: swap winner and loser of pairs at random (a control).
        **loading: arguments of `SeededData`.
    """

    def __init__(self, *, folder: str, choices: str, shuffled: bool = False, **loading: Any) -> None:
        super().__init__(**loading)
        self.folder, self.choices, self.shuffled = folder, Path(choices), shuffled
        self.records, self.others = choices_of(self.choices, weights_sha256(folder))
        if self.others:
            log.warning("%d choices in %s were made among candidates of other models", self.others, choices)

    def setup(self, stage: str) -> None:
        """Draw the candidates of all choices again."""
        model = load_model(self.folder).to("cuda" if torch.cuda.is_available() else "cpu")
        pairs = [pair for path, choice in self.records for pair in pairs_of(model, path, choice)]
        self.items = HumanPairs(self._swapped(pairs) if self.shuffled else pairs)
        super().setup(stage)

    def _swapped(self, pairs: Sequence[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
        swap = torch.rand(len(pairs), generator=torch.Generator().manual_seed(self.seed)) < 0.5
        return [
            pair | {"winner": pair["loser"], "loser": pair["winner"]} if swapped else pair
            for pair, swapped in zip(pairs, swap.tolist(), strict=True)
        ]

    def summary(self) -> str:
        """Describe the choices for the model card."""
        return f"{sum(len(choice.pairs()) for _, choice in self.records)} pairs of {len(self.records)} human choices"


def choices_of(folder: Path, model_sha256: str) -> tuple[list[tuple[Path, HumanChoice]], int]:
    """List the choices among candidates of one model, with their folders; and count those of other models.

    Raises:
        FileNotFoundError: there are no choices in the folder, or what one is for was removed.
        ValueError: none has a winner among candidates of this model, or a record lacks what was lifted.
    """
    every = find_choices(folder)
    if not every:
        raise FileNotFoundError(f"no {CHOICES} in '{folder}': give the folder of outputs of `region4d lift --choose N`")
    found = [(path, choice) for path, choice in every if choice.pairs()]
    if not found:
        raise ValueError(
            f"none of the {len(every)} choices in '{folder}' has a winner and a loser: there is nothing to learn"
        )
    ours = [(path, choice) for path, choice in found if choice.model_sha256 == model_sha256]
    if not ours:
        raise ValueError(
            f"none of the {len(found)} choices with a winner in '{folder}' is among candidates of this model: set "
            "model.folder to the one that was lifted with"
        )
    if old := [path for path, choice in ours if choice.given is None]:
        raise ValueError(f"the choice in '{old[0]}' is of an older version, without what was lifted: choose again")
    if gone := [file for path, choice in ours if not (file := path / str(choice.given)).is_file()]:
        raise FileNotFoundError(f"no '{gone[0]}', which the choice beside it is for: restore it, or remove its folder")
    return ours, len(found) - len(ours)


@torch.no_grad()
def pairs_of(model: LiftingModel, folder: Path, choice: HumanChoice) -> list[dict[str, Tensor]]:
    """Draw the candidates of a choice again, and list the chosen one against each other one.

    Raises:
        ValueError: the picture or the mask is not the one that was chosen for.
    """
    given = GivenObject.read(folder / str(choice.given))
    if (image_hash(given.image), mask_hash(given.mask)) != (choice.image_sha256, choice.mask_sha256):
        raise ValueError(f"the picture or mask in '{folder / str(choice.given)}' is not that of the choice beside it")
    seeds = sorted({seed for pair in choice.pairs() for seed in pair})
    shapes = dict(zip(seeds, draw_shapes(model, given, choice, seeds).cpu(), strict=True))
    item = squared(given)
    return [item | {"winner": shapes[winner], "loser": shapes[loser]} for winner, loser in choice.pairs()]


def draw_shapes(
    model: LiftingModel, given: GivenObject, choice: HumanChoice, seeds: Sequence[int]
) -> Float[Tensor, "candidate token feature"]:
    """Draw the shapes of candidates as `region4d lift --choose` did, one for each seed."""
    points = None if given.depth is None else unproject(given.depth, given.intrinsics)
    picture = MaskedPicture(given.image.float() / 255, given.mask, points, given.intrinsics)
    sizes = model.image_size, model.conditioner.point_encoder.size
    views, normalizer = picture.views(model.mean_normalizer(), *sizes, model.extent)
    fit: Fitting = next((known for known in get_args(Fitting) if known == choice.fit), "none")
    sampling = Sampling(
        steps=choice.steps,
        shortcut=choice.shortcut,
        guidance=Guidance(choice.guidance or 0.0, modalities=("shape",)),
        fit=fit,
    )
    count = len(seeds)
    every = ObjectViews.concatenate([views] * count).to(model.device)
    return shape_samples(model, [picture] * count, every, [normalizer] * count, sampling, seeds)[0]


def squared(given: GivenObject) -> dict[str, Tensor]:
    """Pad a picture to a square, as the networks see it, and bring it to `SIDE` pixels by the nearest ones."""
    height, width = given.mask.shape
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    border = (left, side - width - left, top, side - height - top)

    def square(maps: Tensor) -> Tensor:
        return F.interpolate(F.pad(maps.float()[None], border), (SIDE, SIDE), mode="nearest-exact")[0]

    depth = torch.zeros(height, width) if given.depth is None else given.depth
    return {
        "image": square(given.image).to(torch.uint8),
        "mask": square(given.mask[None])[0] > 0,
        "depth": square(depth[None])[0],
        "intrinsics": resize_intrinsics(crop_intrinsics(given.intrinsics, -left, -top), (side, side), (SIDE, SIDE)),
    }


def weights_sha256(folder: str | Path) -> str:
    """Hash the weights of a lifting model, as a choice records them."""
    with (checkpoint_folder(folder) / "model.safetensors").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
