"""Preference alignment of shapes on pairs of the model's own candidates."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.utils.data import Dataset

from models.lifting.checkpoint import load_model
from models.lifting.flow_matching.dpo import preference_loss
from models.lifting.flow_matching.paths import draw_noise, interpolate_all, velocities
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore
from training.lifting.batches import Batch, tensors_of, views_of
from training.lifting.candidates import CandidateStore, best_and_worst
from training.lifting.data import SeededData
from training.lifting.human_preferences import HumanPreferences
from training.lifting.stage import LiftingStage

Control = Literal["none", "shuffled", "winners_only"]


class Pairs(Dataset[dict[str, Tensor]]):
    """Masked objects, each with its preferred and its rejected shape as latents.

    Raises:
        ValueError: no pair differs by a reward of `margin` or more.
    """

    def __init__(self, candidates: CandidateStore, margin: float, control: Control, seed: int) -> None:
        self.candidates = candidates
        rewards = torch.stack([of_object.rewards for of_object in candidates])
        objects, winners, losers = best_and_worst(rewards, margin)
        if not len(objects):
            gap = float((rewards.amax(1) - rewards.amin(1)).max())
            raise ValueError(
                f"no two candidates differ by a reward of {margin} or more: lower the margin to {gap:.3f} or less"
            )
        if control == "shuffled":
            swap = torch.rand(len(objects), generator=torch.Generator().manual_seed(seed)) < 0.5
            winners, losers = torch.where(swap, losers, winners), torch.where(swap, winners, losers)
        self.pairs = list(zip(objects.tolist(), winners.tolist(), losers.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        number, winner, loser = self.pairs[index]
        candidates = self.candidates[number]
        return tensors_of(candidates.item) | {"winner": candidates.shapes[winner], "loser": candidates.shapes[loser]}


class WorldPreferences(SeededData):
    """Preference pairs among `count` candidates of a model for each object of training worlds, drawn once and stored.

    Args:
        folder: folder of the model that draws the candidates and that training starts from.
        objects: distribution of the masked objects.
        seeds: first and last (exclusive) seed of the objects.
        count: candidates per object.
        steps: steps of the sampler.
        guidance: weight of the sampler's guidance.
        margin: minimum difference between the rewards of a pair.
        control: "shuffled" swaps winner and loser at random; "none" and "winners_only" keep them.
        stores: folder of rendered objects.
        candidates: folder of candidates.
        **loading: arguments of `SeededData`.
    """

    def __init__(
        self,
        *,
        folder: str,
        objects: MaskedObjectConfig,
        seeds: Sequence[int],
        count: int = 8,
        steps: int = 12,
        guidance: float = 0.0,
        margin: float = 0.05,
        control: Control = "none",
        stores: str = "outputs/worlds",
        candidates: str = "outputs/candidates",
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        self.store = MaskedObjectStore(objects, range(*seeds), Path(stores))
        model = load_model(folder).to("cuda" if torch.cuda.is_available() else "cpu")
        self.candidates = CandidateStore(
            model, self.store, count=count, steps=steps, guidance=guidance, root=Path(candidates)
        )
        self.margin, self.control = margin, control

    def prepare_data(self) -> None:
        """Render missing objects and draw missing candidates."""
        self.store.render()
        self.candidates.render(workers=1)

    def summary(self) -> str:
        """Describe the objects for the model card."""
        return self.store.about

    def setup(self, stage: str) -> None:
        """Pair the candidates."""
        self.items = Pairs(self.candidates, self.margin, self.control, self.seed)
        super().setup(stage)


def preferences(
    *,
    folder: str,
    choices: str | None = None,
    control: str = "none",
    batch_size: int,
    seed: int,
    workers: int = 0,
    hold: bool = False,
    **worlds: Any,
) -> SeededData:
    """Build the choices of people in the folder `choices`, or without one the `WorldPreferences` of rewards.

    Raises:
        ValueError: there is no such control.
    """
    known: Control | None = next((each for each in get_args(Control) if each == control), None)
    if known is None:
        raise ValueError(f"control={control!r} is unknown; choose one of {', '.join(get_args(Control))}")
    loading: dict[str, Any] = {"batch_size": batch_size, "seed": seed, "workers": workers, "hold": hold}
    if choices is None:
        return WorldPreferences(folder=folder, control=known, **worlds, **loading)
    return HumanPreferences(folder=folder, choices=choices, shuffled=known == "shuffled", **loading)


class PreferenceAlignment(LiftingStage):
    """Train the shape stream by flow-matching DPO against the model that training starts from.

    Layout and conditioner are frozen; the layout does not affect the shape.

    Args:
        beta: strength of the preference; the published value and its weighting over time are unknown.
        winners_only: train by flow matching on the winners alone (a control).
        **options: arguments of `LiftingStage`.
    """

    trained = "the shape stream, by preference alignment"

    def __init__(self, *, beta: float = 100.0, winners_only: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.beta, self.winners_only = beta, winners_only
        self.reference = deepcopy(self.model.flow).requires_grad_(False)

    def parts(self) -> list[torch.nn.Module]:
        """List the shape stream."""
        return [self.model.flow.shape]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the preference loss, or the flow-matching loss of the winners."""
        count = len(batch["winner"])
        generator = self.generator
        with torch.no_grad():
            with torch.autocast(self.device.type, enabled=False):  # geometry needs float32
                views, _ = views_of(batch, self.model, torch.zeros(count, dtype=torch.bool))
            condition = self.model.conditioner(views)
        noise = draw_noise(self.model.flow.token_shapes, count, generator=generator, device=self.device)
        time = torch.rand(count, generator=generator, device=self.device)
        winner, loser = (noise | {"shape": batch[key]} for key in ("winner", "loser"))
        if self.winners_only:
            latents = interpolate_all(noise, winner, time)
            predicted = self.model.flow(latents, time, torch.zeros_like(time), condition.tokens)["shape"]
            loss: Tensor = (predicted - velocities(noise, winner)["shape"]).square().mean()
            self.log("loss", loss, prog_bar=True, sync_dist=True)
            return loss
        preference = preference_loss(self.model.flow, self.reference, winner, loser, noise, time, condition, self.beta)
        self.log_dict(vars(preference), prog_bar=True, sync_dist=True)
        return preference.loss
