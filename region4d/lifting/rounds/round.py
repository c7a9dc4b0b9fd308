"""One round: people choose among candidates of a model, and the model is trained on their choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmarks.records.manifest import checkpoint_hash
from models.lifting.human_choices import HumanChoice, find_choices
from region4d.configuration.compose import compose_config, override
from region4d.lifting.options import LiftOptions
from region4d.lifting.rounds.pictures import MarkedObject

GIVEN = ("model.folder", "choices", "output")  # settings of the training that the loop sets
EXPERIMENT = "experiment"


@dataclass(frozen=True)
class Round:
    """Round `number` (from 1), which makes the folder `model` from the folder `start` of a model.

    Its choices are in `folder`/choices/PICTURE/OBJECT, each as `region4d lift --choose` writes it, and its training is
    in `folder`/training.
    """

    number: int
    folder: Path
    start: Path
    training: Sequence[str]  # overrides of `region4d train`

    @property
    def model(self) -> Path:
        """The trained model; it exists when the round is finished."""
        return self.training_folder / "model"

    @property
    def choices(self) -> Path:
        """The folder of the choices."""
        return self.folder / "choices"

    @property
    def training_folder(self) -> Path:
        """The folder of the training."""
        return self.folder / "training"

    @property
    def finished(self) -> bool:
        """Whether the model of the round exists."""
        return self.model.is_dir()

    @cached_property
    def start_sha256(self) -> str | None:
        """The hash of the weights that the round starts from."""
        return checkpoint_hash(self.start)

    @property
    def overrides(self) -> list[str]:
        """The training of the round, as overrides of `region4d train`."""
        experiment = (
            [] if any(_key(word) == EXPERIMENT for word in self.training) else [f"{EXPERIMENT}=lifting/preference"]
        )
        ours = {"model.folder": self.start, "choices": self.choices, "output": self.training_folder}
        return [*experiment, *self.training, *(override(key, str(path)) for key, path in ours.items())]

    def waiting(self, objects: Sequence[MarkedObject]) -> list[MarkedObject]:
        """List the objects without a choice."""
        return [each for each in objects if not (self.choices / each.name).exists()]

    def options(self, choose: int, seed: int) -> LiftOptions:
        """Sample `choose` candidates of an object; every round draws noise of its own."""
        return LiftOptions(choose=choose, seed=seed + (self.number - 1) * choose)

    def made(self) -> list[HumanChoice]:
        """Read the choices of the round.

        Raises:
            ValueError: one was made among candidates of another model.
        """
        found = find_choices(self.choices)
        if other := [folder for folder, choice in found if choice.model_sha256 != self.start_sha256]:
            raise ValueError(
                f"'{other[0]}' was chosen among candidates of another model than '{self.start}': start from that model "
                "(--model), or name another --output"
            )
        return [choice for _, choice in found]

    def summary(self) -> str:
        """Count the choices in one line.

        Raises:
            ValueError: no candidate was chosen.
        """
        made = self.made()
        won = [choice for choice in made if choice.pairs()]
        if not won:
            raise ValueError(
                f"round {self.number} has nothing to learn from: no candidate of {len(made)} objects was good; remove "
                f"'{self.choices}' and choose again, with another --seed or more candidates (--choose)"
            )
        pairs = sum(len(choice.pairs()) for choice in won)
        without = f"; {len(made) - len(won)} without a good candidate" if len(won) < len(made) else ""
        return f"round {self.number}: {pairs} pairs of {len(won)} choices{without}"


def rounds_of(output: Path, count: int, model: Path, training: Sequence[str]) -> list[Round]:
    """List the rounds; each starts from the model of the one before.

    Raises:
        ValueError: an override of the training is wrong, or is one that the loop sets; before anything is chosen.
    """
    if taken := [word for word in training if _key(word) in GIVEN]:
        raise ValueError(f"{taken[0]} is set by the rounds; --model names the first model and --output the folder")
    rounds = []
    for number in range(1, count + 1):
        rounds.append(Round(number, output / f"round-{number}", model, training))
        model = rounds[-1].model
    compose_config("train", rounds[0].overrides)
    return rounds


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")
