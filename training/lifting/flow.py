"""Training of the flow by flow matching, and its distillation to a few large steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from einops import repeat
from torch import Tensor

from models.lifting.flow_matching.paths import (
    WEIGHTS,
    draw_noise,
    flow_loss,
    interpolate_all,
    logit_normal_times,
    velocities,
)
from models.lifting.flow_matching.sampler import Guidance
from models.lifting.flow_matching.shortcut import draw_jumps, shortcut_target
from models.lifting.networks.conditioning import Condition, draw_objects
from training.lifting.batches import Batch, fit_average, shapes_of, truth_of, views_of
from training.lifting.stage import STATISTICS_ITEMS, LiftingStage


class FlowTraining(LiftingStage):
    """Train flow and conditioner by flow matching on masked objects.

    Args:
        weights: loss weight of each modality; missing ones have weight 0 (isolated objects train shape and rotation
            alone).
        drop: probability of dropping the whole condition of an object.
        drop_points: probability of dropping an object's point map. Its pose is then encoded with the average
            normaliser, as inference without points decodes it.
        draws: (time, noise) samples per object and step, which share one encoding of the condition.
        time_means: means of the normal distributions whose sigmoid is the time, see `logit_normal_times`; (-1,) as
            released.
        layout_only: train the layout stream alone; shapes stay bit-equal.
        regression: predict the latents from zero in one step (a baseline with the same networks).
        **options: arguments of `LiftingStage`.
    """

    def __init__(
        self,
        *,
        weights: Mapping[str, float] = WEIGHTS,
        drop: float = 0.1,
        drop_points: float = 0.15,
        draws: int = 2,
        time_means: Sequence[float] = (-1.0,),
        layout_only: bool = False,
        regression: bool = False,
        **options: Any,
    ) -> None:
        self.layout_only = layout_only
        super().__init__(**options)
        self.weights, self.drop, self.drop_points, self.draws = dict(weights), drop, drop_points, draws
        self.regression, self.time_means = regression, tuple(time_means)

    def parts(self) -> list[torch.nn.Module]:
        """List flow and conditioner, or the layout stream."""
        return [self.model.flow.layout] if self.layout_only else super().parts()

    def on_fit_start(self) -> None:
        """Fit the average normaliser, unless an earlier stage did; encode the shapes once, if items are held."""
        if float(self.model.mean_scale) == 1.0:
            fit_average(self.model, self.items.first(STATISTICS_ITEMS, self.device))
        self.items.replace("distance", "shape", lambda distance: shapes_of(distance, self.model), self.device)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the flow-matching loss of one batch."""
        condition, data = self.condition_and_data(batch)
        count = len(condition)
        if self.regression:
            time = torch.zeros(count, device=self.device)
            noise = {key: torch.zeros_like(value) for key, value in data.items()}
        else:
            time = logit_normal_times(count, self.time_means, generator=self.generator, device=self.device)
            noise = self.noise(count)
        latents = interpolate_all(noise, data, time)
        predicted = self.model.flow(latents, time, torch.zeros_like(time), condition.tokens)
        loss, parts = flow_loss(predicted, velocities(noise, data), self.weights)
        self.log_dict({"loss": loss, **parts}, prog_bar=True, sync_dist=True)
        return loss

    def noise(self, count: int) -> dict[str, Tensor]:
        """Draw noise for `count` objects, the latents at time 0."""
        shapes = self.model.flow.token_shapes
        return draw_noise(shapes, count, generator=self.generator, device=self.device)

    def condition_and_data(self, batch: Batch) -> tuple[Condition, dict[str, Tensor]]:
        """Encode pictures and truth of a batch, repeat both `draws` times, and drop points and conditions at random."""
        count, generator = len(batch["image"]), self.generator
        with torch.autocast(self.device.type, enabled=False):  # geometry needs float32
            dropped = draw_objects(count, self.drop_points, generator, self.device)
            views, normalizer = views_of(batch, self.model, dropped)
            data = truth_of(batch, self.model, normalizer)
        condition = self.model.conditioner(views)
        repeats = 1 if self.regression else self.draws
        condition = condition.take(torch.arange(count, device=self.device).repeat(repeats))
        if not self.regression:
            condition = condition.without(draw_objects(len(condition), self.drop, generator, self.device))
        return condition, {key: repeat(value, "b t d -> (n b) t d", n=repeats) for key, value in data.items()}


class ShortcutDistillation(FlowTraining):
    """Distil a trained flow for large steps: flow matching on most of a batch, self-consistency on the rest.

    Args:
        guidance: weight of the guidance of the shape that the smallest jumps learn.
        share: share of a batch that learns jumps.
        **options: arguments of `FlowTraining`.
    """

    trained = "flow and conditioner, distilled for few steps"

    def __init__(self, *, guidance: float = 2.0, share: float = 0.25, **options: Any) -> None:
        super().__init__(**options)
        self.model.distilled = True
        self.guidance = Guidance(weight=guidance, interval=(0.0, 1.0), modalities=("shape",))
        self.share = share

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the loss of one batch: self-consistency on its first part, flow matching on the rest."""
        condition, data = self.condition_and_data(batch)
        count = len(condition)
        jumping = max(1, round(self.share * count))
        noise = self.noise(count)
        time = logit_normal_times(count, self.time_means, generator=self.generator, device=self.device)
        start, half = draw_jumps(jumping, generator=self.generator, device=self.device)
        time = torch.cat([start, time[jumping:]])
        step = torch.cat([2 * half, torch.zeros_like(time[jumping:])])
        latents, target = interpolate_all(noise, data, time), velocities(noise, data)
        jump_latents = {key: value[:jumping] for key, value in latents.items()}
        jump_condition = Condition(condition.tokens[:jumping].detach(), condition.point_tokens)
        jumps = shortcut_target(self.model.flow, jump_latents, start, half, jump_condition, self.guidance)
        target = {key: torch.cat([jumps[key], value[jumping:]]) for key, value in target.items()}
        predicted = self.model.flow(latents, time, step, condition.tokens)
        loss, parts = flow_loss(predicted, target, self.weights)
        self.log_dict({"loss": loss, **parts}, prog_bar=True, sync_dist=True)
        return loss
