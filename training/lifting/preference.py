"""Preference alignment of shapes with the model in the loop: draw candidates, pair them, prefer the better ones."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import Dataset

from models.lifting.checkpoint import load_model
from models.lifting.flow_matching.dpo import preference_loss
from models.lifting.flow_matching.paths import draw_noise, interpolate_all, velocities
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore
from training.lifting.batches import Batch, tensors_of, views_of
from training.lifting.candidates import CandidateStore, best_and_worst
from training.lifting.data import SeededData, summarize_objects
from training.lifting.stages import LiftingStage

Control = Literal["none", "shuffled", "winners_only"]


class Pairs(Dataset[dict[str, Tensor]]):
    """A masked object with its preferred shape and its rejected one, as latents."""

    def __init__(self, candidates: CandidateStore, margin: float, control: Control, seed: int) -> None:
        self.candidates = candidates
        rewards = torch.stack([one.rewards for one in candidates])
        objects, winners, losers = best_and_worst(rewards, margin)
        if not len(objects):
            gap = float((rewards.amax(1) - rewards.amin(1)).max())
            raise ValueError(
                f"no pair differs by a reward of {margin} or more; the largest gap is {gap:.3f}, lower the margin"
            )
        if control == "shuffled":
            swap = torch.rand(len(objects), generator=torch.Generator().manual_seed(seed)) < 0.5
            winners, losers = torch.where(swap, losers, winners), torch.where(swap, winners, losers)
        self.pairs = list(zip(objects.tolist(), winners.tolist(), losers.tolist(), strict=True))

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        which, winner, loser = self.pairs[index]
        one = self.candidates[which]
        return tensors_of(one.item) | {"winner": one.shapes[winner], "loser": one.shapes[loser]}


class WorldPreferences(SeededData):
    """Pairs out of `count` candidates of a model for each object of training worlds, drawn once and kept.

    Args:
        folder: of the model that draws the candidates, and that training starts from.
        objects: what the masked objects are drawn from.
        seeds: of the objects: first, and behind the last.
        count: candidates an object.
        steps: of the sampler.
        guidance: weight of the guidance of the candidates.
        margin: least difference of the rewards of a pair.
        control: "shuffled" labels winners and losers at random.
        stores: folder of rendered objects.
        candidates: folder of candidates.
    """

    def __init__(
        self,
        *,
        folder: str,
        objects: MaskedObjectConfig,
        seeds: list[int],
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
        """Render the objects and draw the candidates that are missing."""
        self.store.render()
        self.candidates.render(workers=1)

    def summary(self) -> str:
        """Name the objects."""
        return summarize_objects(self.store)

    def setup(self, stage: str) -> None:
        """Pair the candidates."""
        self.items = Pairs(self.candidates, self.margin, self.control, self.seed)
        super().setup(stage)


class PreferenceAlignment(LiftingStage):
    """Train the shape stream by flow-matching DPO against the model that it starts from.

    Layout and conditioner do not learn; the layout does not touch the shape.

    Args:
        beta: strength; the published one, with its weight of the time, is not known.
        winners_only: a control: flow matching on the winners alone.
    """

    trained = "the shape stream, by preference alignment"

    def __init__(self, *, beta: float = 100.0, winners_only: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.beta, self.winners_only = beta, winners_only
        self.reference = deepcopy(self.model.flow).requires_grad_(False)

    def parts(self) -> list[torch.nn.Module]:
        """The shape stream."""
        return [self.model.flow.shape]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Prefer the winners."""
        count = len(batch["winner"])
        coin = self.coin
        with torch.no_grad():
            with torch.autocast(self.device.type, enabled=False):  # geometry is exact
                views, _ = views_of(batch, self.model, torch.zeros(count, dtype=torch.bool))
            condition = self.model.conditioner(views)
        noise = draw_noise(self.model.flow.token_shapes, count, generator=coin, device=self.device)
        time = torch.rand(count, generator=coin, device=self.device)
        winner, loser = (noise | {"shape": batch[which]} for which in ("winner", "loser"))
        if self.winners_only:
            latents = interpolate_all(noise, winner, time)
            predicted = self.model.flow(latents, time, torch.zeros_like(time), condition.tokens)["shape"]
            loss: Tensor = (predicted - velocities(noise, winner)["shape"]).square().mean()
            self.log("loss", loss, prog_bar=True, sync_dist=True)
            return loss
        found = preference_loss(self.model.flow, self.reference, winner, loser, noise, time, condition, self.beta)
        self.log_dict(vars(found), prog_bar=True, sync_dist=True)
        return found.loss
