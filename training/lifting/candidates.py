"""Candidates that a model draws for masked objects, their rewards, and preference pairs of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.utils.data import default_collate

from models.lifting.flow_matching.paths import draw_noise
from models.lifting.flow_matching.sampler import Guidance, sample
from models.lifting.model import LiftingModel
from scenes.masked_object import MaskedObject
from scenes.storage.cache_key import cache_key
from scenes.storage.shards import ShardStore
from scenes.worlds.masked_objects import MaskedObjectStore
from training.lifting.batches import fields_of, tensors_of, views_of

FORMAT = 1  # raise it when the same model and objects give other candidates or rewards
OBJECTS_AT_ONCE = {"cpu": 8, "cuda": 64}  # objects whose candidates are drawn in one batch


@dataclass(frozen=True)
class Candidates:
    """Several samples of a model for one masked object, and the reward of each (greater is better)."""

    item: MaskedObject
    shapes: Float[Tensor, "candidate token channel"]
    rewards: Float[Tensor, "candidate"]


class CandidateStore(ShardStore[Candidates]):
    """Candidates for each object of a store, drawn once; keyed by the model's weights and how it samples.

    The reward is the solid IoU of the decoded field with the truth at voxel centres; it needs the truth, so it is for
    training data alone.

    Args:
        model: the model that draws them.
        items: rendered objects.
        count: candidates per object.
        steps: steps of the sampler.
        guidance: weight of classifier-free guidance.
        root: folder that holds the folders of all such stores.
    """

    def __init__(
        self, model: LiftingModel, items: MaskedObjectStore, *, count: int, steps: int, guidance: float, root: Path
    ) -> None:
        self.model, self.items, self.count, self.steps = model, items, count, steps
        self.guidance = Guidance(weight=guidance)
        # part of the key because the first and the last shard hold only the objects of these seeds
        seeds = [items.seeds.start, items.seeds.stop]
        key = cache_key("candidates", FORMAT, items.key, seeds, weights_hash(model), count, steps, guidance)
        super().__init__(key, items.seeds, root)

    def generate(self, seeds: range) -> tuple[dict[str, Tensor], Any]:
        """Draw candidates for those of these seeds that are in the store of objects."""
        wanted = [seed for seed in seeds if seed in self.items.seeds]
        shapes, rewards = [], []
        at_once = OBJECTS_AT_ONCE.get(self.model.device.type, OBJECTS_AT_ONCE["cpu"])
        for start in range(0, len(wanted), at_once):
            part = wanted[start : start + at_once]
            items = [self.items[self.items.seeds.index(seed)] for seed in part]
            part_shapes, part_rewards = draw_candidates(self.model, items, part, self.count, self.steps, self.guidance)
            shapes.append(part_shapes.half())
            rewards.append(part_rewards)
        offset = torch.tensor(wanted[0] - seeds[0])
        return {"shapes": torch.cat(shapes), "rewards": torch.cat(rewards), "offset": offset}, None

    def read(self, file: Any, row: int, seed: int) -> Candidates:
        """Read the candidates of one object."""
        row -= int(file.get_tensor("offset"))
        item = self.items[self.items.seeds.index(seed)]
        return Candidates(item, file.get_slice("shapes")[row].float(), file.get_slice("rewards")[row])


@torch.no_grad()
def draw_candidates(
    model: LiftingModel,
    items: Sequence[MaskedObject],
    seeds: Sequence[int],
    count: int,
    steps: int,
    guidance: Guidance,
) -> tuple[Float[Tensor, "object candidate token channel"], Float[Tensor, "object candidate"]]:
    """Draw shapes of each object, `count` times from its own seed, and reward each by its solid IoU with the truth."""
    batch = {
        key: value.to(model.device) for key, value in default_collate([tensors_of(item) for item in items]).items()
    }
    views, _ = views_of(batch, model, torch.zeros(len(items), dtype=torch.bool))
    tokens = model.conditioner(views)
    index = torch.arange(len(items), device=model.device).repeat_interleave(count)
    noise = [
        draw_noise(model.flow.token_shapes, count, generator=torch.Generator().manual_seed(seed)) for seed in seeds
    ]
    start = {key: torch.cat([of_object[key] for of_object in noise]).to(model.device) for key in noise[0]}
    shapes = sample(model.flow, start, tokens.take(index), steps=steps, guidance=guidance)["shape"]
    inside = model.vae.inside(model.vae.decode_tokens(shapes)) > 0
    truth = (fields_of(batch["distance"], ["occupancy"])[:, 0] > 0)[index]
    return shapes.unflatten(0, (-1, count)).cpu(), solid_iou(inside, truth).unflatten(0, (-1, count)).cpu()


def solid_iou(inside: Bool[Tensor, "object x y z"], truth: Bool[Tensor, "object x y z"]) -> Float[Tensor, "object"]:
    """Measure intersection over union of filled voxels; 0 where both are empty."""
    intersection, union = (mask.flatten(1).sum(1).float() for mask in (inside & truth, inside | truth))
    return intersection / union.clamp_min(1)


def best_and_worst(
    rewards: Float[Tensor, "object candidate"], margin: float
) -> tuple[Int64[Tensor, "pair"], Int64[Tensor, "pair"], Int64[Tensor, "pair"]]:
    """Pair the best and the worst candidate of each object whose rewards differ by `margin` or more.

    Returns the indices of the objects, of their winners and of their losers.
    """
    best, worst = rewards.max(1), rewards.min(1)
    objects = (best.values - worst.values >= margin).nonzero()[:, 0]
    return objects, best.indices[objects], worst.indices[objects]


def weights_hash(model: LiftingModel) -> str:
    """Hash all weights of a model, with their names, to 16 hexadecimal digits."""
    digest = hashlib.sha256()
    state: Mapping[str, Tensor] = model.state_dict()
    for name in sorted(state):
        digest.update(name.encode() + state[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
