"""The stages of a lift: the VAE of shapes, the flow, few steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from einops import repeat
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from models.lifting.checkpoint import save_model
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
from models.lifting.model import LiftingModel
from models.lifting.networks.conditioning import Condition, draw_objects
from models.lifting.networks.occupancy_vae import kl_divergence, reconstruction_loss
from training.lifting.batches import Batch, fields_of, fit_average, shapes_of, truth_of, views_of
from training.lifting.data import SeededData
from training.module import TrainingModule

STATISTICS = 512  # items that averages over the training set are taken from


class LiftingStage(TrainingModule):
    """Base of the stages: an average of the weights, and the export of the model.

    Args:
        model: the model of which the stage trains `parts`.
        averaging: decay of the moving average of the weights that is exported; 0 exports the last ones.
        **optimization: of `TrainingModule`; the published recipe is AdamW without weight decay.
    """

    trained = "flow and conditioner"

    def __init__(
        self,
        *,
        model: LiftingModel,
        averaging: float = 0.998,
        **optimization: Any,
    ) -> None:
        super().__init__(**optimization)
        self.model, self.averaging = model, averaging
        self.model.requires_grad_(False)
        for part in self.parts():
            part.requires_grad_(True)
        self.average: list[Tensor] = []

    def parts(self) -> list[torch.nn.Module]:
        """List the parts that learn."""
        return [self.model.flow, self.model.conditioner]

    @property
    def coin(self) -> torch.Generator:
        """The device's own global generator: what it draws needs no transfer."""
        if self.device.type == "cuda":
            return torch.cuda.default_generators[self.device.index or 0]
        return torch.default_generator

    @property
    def items(self) -> SeededData:
        """What the stage trains on."""
        return self.trainer.datamodule  # type: ignore[attr-defined, no-any-return]

    def trained_parameters(self) -> list[Tensor]:
        """List the parameters of the parts that learn."""
        return [p for part in self.parts() for p in part.parameters() if p.requires_grad]

    def on_train_start(self) -> None:
        """Start the average, or continue it."""
        trained = self.trained_parameters()
        begin = self.average or trained
        self.average = [mean.detach().to(p, copy=True) for mean, p in zip(begin, trained, strict=True)]

    @torch.no_grad()
    def on_train_batch_end(self, *_: Any) -> None:
        """Move the average; early it follows closely."""
        decay = min(self.averaging, (1 + self.global_step) / (10 + self.global_step))
        get_ema_multi_avg_fn(decay)(self.average, self.trained_parameters(), None)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the average with the checkpoint."""
        checkpoint["average"] = self.average

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue with the average."""
        self.average = checkpoint["average"]

    @torch.no_grad()
    def take_average(self) -> None:
        """Put the average into the model."""
        for mean, value in zip(self.average, self.trained_parameters(), strict=True):
            value.copy_(mean)

    def export(self, folder: Path) -> None:
        """Write the whole model, with the average of what was trained."""
        self.take_average()
        save_model(self.model, folder)

    def summary(self) -> str:
        """Describe the model and the part that was trained."""
        count = sum(p.numel() for p in self.model.parameters())
        return (
            f"A lifting model (SAM 3D's design at a small size), {count / 1e6:.2f} M parameters; trained here: "
            f"{self.trained}."
        )


class ShapeAutoencoding(LiftingStage):
    """Train the VAE on shapes: reconstruction and a little KL; then fit the statistics of its latent.

    Args:
        kl_weight: of the KL divergence, a mean over latent elements.
        decoder_only: leave the encoder and the statistics as they are, so that flows of this latent stay good.
    """

    def __init__(self, *, kl_weight: float = 1e-3, decoder_only: bool = False, **options: Any) -> None:
        self.decoder_only = decoder_only
        super().__init__(**options)
        self.kl_weight = kl_weight
        self.trained = "the decoder of the shape VAE" if decoder_only else "the shape VAE"

    def parts(self) -> list[torch.nn.Module]:
        """The VAE, or its decoder, alone."""
        return [self.model.vae.decoder if self.decoder_only else self.model.vae]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Reconstruct."""
        grids = fields_of(batch["distance"].float(), self.model.vae.fields)
        decoded, mean, log_variance = self.model.vae(grids)
        reconstruction = reconstruction_loss(decoded, grids, self.model.vae.fields)
        divergence = kl_divergence(mean, log_variance)
        loss: Tensor = reconstruction + self.kl_weight * divergence
        self.log_dict({"loss": reconstruction, "kl": divergence}, prog_bar=True, sync_dist=True)
        return loss

    @torch.no_grad()
    def export(self, folder: Path) -> None:
        """Standardise the latent, unless the encoder is as it was, then write."""
        if self.decoder_only:
            super().export(folder)
            return
        self.take_average()
        some = self.items.first(STATISTICS, self.device)["distance"].float()
        means = [self.model.vae.encode(fields_of(part, self.model.vae.fields))[0] for part in some.split(32)]
        self.model.vae.standardise(torch.cat(means))
        super().export(folder)


class FlowTraining(LiftingStage):
    """Train flow and conditioner by flow matching on masked objects.

    Args:
        weights: of the modalities; those left out have weight 0 (isolated objects train shape and rotation alone).
        drop: probability that an object loses its whole condition.
        drop_points: probability that an object comes without a point map. Its pose is then encoded by the average
            normaliser, as a lift without points decodes it, so that the place in the picture still tells something.
        draws: times and noises of each object in a step; the condition is encoded once.
        time_means: of the normals whose sigmoid is the time, see `logit_normal_times`; (-1,) as released.
        layout_only: train the layout stream alone; every shape stays bit-equal.
        regression: predict the latents at once from zero: a baseline with the same networks.
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
        """Flow and conditioner, or the layout stream."""
        return [self.model.flow.layout] if self.layout_only else super().parts()

    def on_fit_start(self) -> None:
        """Fit the average normaliser to the training set, unless an earlier stage did; encode the shapes, if held."""
        if float(self.model.mean_scale) == 1.0:
            fit_average(self.model, self.items.first(STATISTICS, self.device))
        self.items.replace("distance", "shape", lambda some: shapes_of(some, self.model), self.device)

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Match velocities."""
        condition, data = self.condition_and_data(batch)
        count = len(condition)
        if self.regression:
            time = torch.zeros(count, device=self.device)
            noise = {key: torch.zeros_like(value) for key, value in data.items()}
        else:
            time = logit_normal_times(count, self.time_means, generator=self.coin, device=self.device)
            noise = self.noise(count)
        latents = interpolate_all(noise, data, time)
        predicted = self.model.flow(latents, time, torch.zeros_like(time), condition.tokens)
        loss, parts = flow_loss(predicted, velocities(noise, data), self.weights)
        self.log_dict({"loss": loss, **parts}, prog_bar=True, sync_dist=True)
        return loss

    def noise(self, count: int) -> dict[str, Tensor]:
        """Draw latents at time 0."""
        shapes = self.model.flow.token_shapes
        return draw_noise(shapes, count, generator=self.coin, device=self.device)

    def condition_and_data(self, batch: Batch) -> tuple[Condition, dict[str, Tensor]]:
        """Encode pictures and truth of a batch, `draws` times each; some lose their points, some all condition."""
        count, coin = len(batch["image"]), self.coin
        with torch.autocast(self.device.type, enabled=False):  # geometry is exact
            views, normalizer = views_of(batch, self.model, draw_objects(count, self.drop_points, coin, self.device))
            data = truth_of(batch, self.model, normalizer)
        condition = self.model.conditioner(views)
        times = 1 if self.regression else self.draws
        condition = condition.take(torch.arange(count, device=self.device).repeat(times))
        if not self.regression:
            condition = condition.without(draw_objects(len(condition), self.drop, coin, self.device))
        return condition, {key: repeat(value, "b t d -> (n b) t d", n=times) for key, value in data.items()}


class ShortcutDistillation(FlowTraining):
    """Teach a trained flow to jump: three quarters of each batch flow matching, one quarter self-consistency.

    Args:
        guidance: folded into the smallest jumps, on the shape alone.
        share: of a batch that learns jumps.
    """

    trained = "flow and conditioner, distilled for few steps"

    def __init__(self, *, guidance: float = 2.0, share: float = 0.25, **options: Any) -> None:
        super().__init__(**options)
        self.model.distilled = True
        self.guidance = Guidance(weight=guidance, interval=(0.0, 1.0), modalities=("shape",))
        self.share = share

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Match velocities, and jumps of the model's own."""
        condition, data = self.condition_and_data(batch)
        count = len(condition)
        jumping = max(1, round(self.share * count))
        noise = self.noise(count)
        time = logit_normal_times(count, self.time_means, generator=self.coin, device=self.device)
        start, half = draw_jumps(jumping, generator=self.coin, device=self.device)
        time = torch.cat([start, time[jumping:]])
        step = torch.cat([2 * half, torch.zeros_like(time[jumping:])])
        latents, target = interpolate_all(noise, data, time), velocities(noise, data)
        first = {key: value[:jumping] for key, value in latents.items()}
        some = Condition(condition.tokens[:jumping].detach(), condition.point_tokens)
        jumps = shortcut_target(self.model.flow, first, start, half, some, self.guidance)
        target = {key: torch.cat([jumps[key], value[jumping:]]) for key, value in target.items()}
        predicted = self.model.flow(latents, time, step, condition.tokens)
        loss, parts = flow_loss(predicted, target, self.weights)
        self.log_dict({"loss": loss, **parts}, prog_bar=True, sync_dist=True)
        return loss
