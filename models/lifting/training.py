"""Training of a lift with Lightning, stage by stage; each stage begins with the model that the last one wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from einops import repeat
from jaxtyping import Bool, Float
from lightning import LightningDataModule, LightningModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, default_collate

from models.geometry import Normalizer, ObjectNormalizer, PointMap, unproject
from models.lifting.checkpoint import save_model
from models.lifting.conditioning import Condition, draw_objects
from models.lifting.crops import ObjectViews, make_views
from models.lifting.flow import WEIGHTS, draw_noise, flow_loss, interpolate_all, logit_normal_times, velocities
from models.lifting.grid import truncated_distance
from models.lifting.model import LiftingModel
from models.lifting.occupancy_vae import kl_divergence, reconstruction_loss
from models.lifting.pose_encoding import encode_pose
from models.lifting.sampler import Guidance
from models.lifting.shifted import shift_domain
from models.lifting.shortcut import draw_jumps, shortcut_target
from models.training import SeededSampler, adamw, samples_seen
from scenes.masked_objects import MaskedObject, MaskedObjectConfig, MaskedObjectStore, distance_grid
from scenes.worlds import WorldConfig
from scenes.worlds.dice import Dice
from scenes.worlds.layout import draw_object

Batch = Mapping[str, Tensor]  # the tensors of masked objects, stacked
STATISTICS = 512  # items that averages over the training set are taken from


class Shapes(Dataset[Float[Tensor, "x y z"]]):
    """Signed distances of random objects of worlds, one for each seed, drawn when asked for."""

    def __init__(self, world: WorldConfig, seeds: range, resolution: int) -> None:
        self.world, self.seeds, self.resolution = world, seeds, resolution

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> Float[Tensor, "x y z"]:
        return distance_grid(draw_object(Dice(self.seeds[index]), self.world, 1.0), self.resolution)


class MaskedObjects(Dataset[dict[str, Tensor]]):
    """The tensors of masked objects; `shifted` changes each picture as a camera of another domain would."""

    def __init__(self, store: MaskedObjectStore, shifted: bool = False) -> None:
        self.store, self.shifted = store, shifted

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        item = self.store[index]
        if self.shifted:
            item = shift_domain(item, torch.Generator().manual_seed(self.store.seeds[index]))
        return tensors_of(item)


def tensors_of(item: MaskedObject) -> dict[str, Tensor]:
    """Take what a batch holds of a masked object."""
    return {key: value for key, value in vars(item).items() if isinstance(value, Tensor)}


class SeededData(LightningDataModule):
    """Batches in a seeded order without end; a resumed run continues in it."""

    def __init__(self, *, batch_size: int, seed: int, workers: int = 0) -> None:
        super().__init__()
        self.batch_size, self.seed, self.workers = batch_size, seed, workers
        self.items: Dataset[Any]

    def train_dataloader(self) -> DataLoader[Any]:
        """Batch items."""
        count = len(self.items)  # type: ignore[arg-type]
        order = SeededSampler(count, self.seed, samples_seen(self.trainer, self.batch_size))
        return DataLoader(self.items, self.batch_size, sampler=order, num_workers=self.workers)


class WorldShapes(SeededData):
    """Shapes alone, for the VAE."""

    def __init__(self, *, world: WorldConfig, seeds: Sequence[int], resolution: int = 32, **loading: Any) -> None:
        super().__init__(**loading)
        self.items = Shapes(world, range(*seeds), resolution)


class WorldObjects(SeededData):
    """Masked objects of worlds, rendered once into a store that all runs share."""

    def __init__(
        self,
        *,
        objects: MaskedObjectConfig,
        seeds: Sequence[int],
        shifted: bool = False,
        stores: str = "outputs/worlds",
        **loading: Any,
    ) -> None:
        super().__init__(**loading)
        self.store = MaskedObjectStore(objects, range(*seeds), Path(stores))
        self.items = MaskedObjects(self.store, shifted)

    def prepare_data(self) -> None:
        """Render what is missing."""
        self.store.render()


class LiftingStage(LightningModule):
    """What the stages share: AdamW with warm-up and cosine, an average of the weights, and the export of the model.

    Args:
        model: that is trained, or a part of it.
        learning_rate: peak.
        weight_decay: of AdamW; the published recipe has none.
        warmup_fraction: of all steps.
        averaging: decay of the moving average of the weights that is exported; 0 exports the last ones.
    """

    trained = "flow and conditioner"

    def __init__(
        self,
        *,
        model: LiftingModel,
        learning_rate: float,
        weight_decay: float = 0.0,
        warmup_fraction: float = 0.03,
        averaging: float = 0.998,
    ) -> None:
        super().__init__()
        self.model = model
        self.learning_rate, self.weight_decay, self.warmup_fraction = learning_rate, weight_decay, warmup_fraction
        self.averaging = averaging
        self.model.requires_grad_(False)
        for part in self.parts():
            part.requires_grad_(True)
        self.average = [p.detach().clone() for p in self.learned()]

    def parts(self) -> list[torch.nn.Module]:
        """List the parts that learn."""
        return [self.model.flow, self.model.conditioner]

    def learned(self) -> list[Tensor]:
        """List the parameters that learn."""
        return [p for part in self.parts() for p in part.parameters() if p.requires_grad]

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW, warm-up then cosine."""
        return adamw(
            self.learned(),
            self.trainer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            warmup_fraction=self.warmup_fraction,
        )

    @torch.no_grad()
    def on_train_batch_end(self, *_: Any) -> None:
        """Move the average; early it follows closely."""
        decay = min(self.averaging, (1 + self.global_step) / (10 + self.global_step))
        for mean, value in zip(self.average, self.learned(), strict=True):
            mean.copy_(mean.to(value).lerp(value, 1 - decay))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the average with the checkpoint."""
        checkpoint["average"] = self.average

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Continue with the average."""
        self.average = checkpoint["average"]

    @torch.no_grad()
    def export(self, folder: Path) -> None:
        """Write the whole model, with the average of what was trained."""
        for mean, value in zip(self.average, self.learned(), strict=True):
            value.copy_(mean)
        save_model(self.model, folder)

    def summary(self) -> str:
        """Say what the model is, for its card."""
        count = sum(p.numel() for p in self.model.parameters())
        return (
            f"A lifting model (SAM 3D's design at a small size), {count / 1e6:.2f} M parameters; trained here: "
            f"{self.trained}."
        )


class ShapeAutoencoding(LiftingStage):
    """Train the VAE on shapes: reconstruction and a little KL; then fit the statistics of its latent.

    Args:
        kl_weight: of the KL divergence, a mean over latent elements.
    """

    trained = "the shape VAE"

    def __init__(self, *, kl_weight: float = 1e-3, **options: Any) -> None:
        super().__init__(**options)
        self.kl_weight = kl_weight

    def parts(self) -> list[torch.nn.Module]:
        """The VAE alone."""
        return [self.model.vae]

    def training_step(self, batch: Tensor, batch_index: int) -> Tensor:
        """Reconstruct."""
        grids = fields_of(batch, self.model.vae.fields)
        decoded, mean, log_variance = self.model.vae(grids)
        reconstruction = reconstruction_loss(decoded, grids, self.model.vae.fields)
        divergence = kl_divergence(mean, log_variance)
        loss: Tensor = reconstruction + self.kl_weight * divergence
        self.log_dict({"loss": reconstruction, "kl": divergence}, prog_bar=True, sync_dist=True)
        return loss

    @torch.no_grad()
    def export(self, folder: Path) -> None:
        """Standardise the latent, then write."""
        for mean, value in zip(self.average, self.learned(), strict=True):
            value.copy_(mean)
        shapes: Shapes = self.trainer.datamodule.items  # type: ignore[attr-defined]
        some = torch.stack([shapes[k] for k in range(min(STATISTICS, len(shapes)))]).to(self.device)
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
        layout_only: bool = False,
        regression: bool = False,
        **options: Any,
    ) -> None:
        self.layout_only = layout_only
        super().__init__(**options)
        self.weights, self.drop, self.drop_points, self.draws = dict(weights), drop, drop_points, draws
        self.regression = regression

    def parts(self) -> list[torch.nn.Module]:
        """Flow and conditioner, or the layout stream."""
        return [self.model.flow.layout] if self.layout_only else super().parts()

    def on_fit_start(self) -> None:
        """Fit the average normaliser to the training set, unless an earlier stage did."""
        if float(self.model.mean_scale) == 1.0:
            items: MaskedObjects = self.trainer.datamodule.items  # type: ignore[attr-defined]
            fit_average(self.model, [items[k] for k in range(min(STATISTICS, len(items)))])

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Match velocities."""
        condition, data = self.condition_and_data(batch)
        count = len(condition)
        if self.regression:
            time = torch.zeros(count, device=self.device)
            noise = {key: torch.zeros_like(value) for key, value in data.items()}
        else:
            time = logit_normal_times(count, generator=torch.default_generator, device=self.device)
            noise = self.noise(count)
        latents = interpolate_all(noise, data, time)
        predicted = self.model.flow(latents, time, torch.zeros_like(time), condition.tokens)
        loss, parts = flow_loss(predicted, velocities(noise, data), self.weights)
        self.log_dict({"loss": loss, **parts}, prog_bar=True, sync_dist=True)
        return loss

    def noise(self, count: int) -> dict[str, Tensor]:
        """Draw latents at time 0."""
        shapes = self.model.flow.token_shapes
        return draw_noise(shapes, count, generator=torch.default_generator, device=self.device)

    def condition_and_data(self, batch: Batch) -> tuple[Condition, dict[str, Tensor]]:
        """Encode pictures and truth of a batch, `draws` times each; some lose their points, some all condition."""
        count, coin = len(batch["image"]), torch.default_generator
        views, normalizer = views_of(batch, self.model, draw_objects(count, self.drop_points, coin, self.device))
        condition = self.model.conditioner(views)
        data = truth_of(batch, self.model, normalizer)
        times = 1 if self.regression else self.draws
        tokens = repeat(condition.tokens, "b t d -> (n b) t d", n=times)
        condition = Condition(tokens, condition.point_tokens)
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
        self.guidance = Guidance(weight=guidance, interval=(0.0, 1.0), modalities=("shape",))
        self.share = share

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Match velocities, and jumps of the model's own."""
        condition, data = self.condition_and_data(batch)
        count = len(condition)
        jumping = max(1, round(self.share * count))
        coin = torch.default_generator
        noise = self.noise(count)
        time = logit_normal_times(count, generator=coin, device=self.device)
        start, half = draw_jumps(jumping, generator=coin, device=self.device)
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


def fields_of(distance: Float[Tensor, "object x y z"], fields: Sequence[str]) -> Float[Tensor, "object field x y z"]:
    """Make a VAE's input of signed distances (units of the cube)."""
    made = {"occupancy": (distance <= 0).float(), "distance": truncated_distance(distance)}
    return torch.stack([made[field] for field in fields], 1)


def points_of(batch: Batch) -> PointMap:
    """Unproject the depth of a batch."""
    return unproject(batch["depth"], batch["intrinsics"])


def fit_normalizers(points: PointMap, masks: Bool[Tensor, "object height width"]) -> list[Normalizer | None]:
    """Fit each object's normaliser; None where no valid point lies under its mask."""
    found: list[Normalizer | None] = []
    for xyz, valid, mask in zip(points.xyz, points.valid, masks, strict=True):
        known = bool((valid & mask).any())
        found.append(ObjectNormalizer.fit(PointMap(xyz, valid, points.frame), mask) if known else None)
    return found


def views_of(batch: Batch, model: LiftingModel, dropped: Bool[Tensor, "object"]) -> tuple[ObjectViews, Normalizer]:
    """Cut the views of a batch; objects that are `dropped`, or have no point, get none and the average normaliser."""
    points = points_of(batch)
    average = model.mean_normalizer()
    fitted = [
        average if lost or one is None else one
        for one, lost in zip(fit_normalizers(points, batch["mask"]), dropped.tolist(), strict=True)
    ]
    without = torch.tensor([one is average for one in fitted], device=points.xyz.device)
    normalizer = Normalizer(torch.stack([one.scale for one in fitted]), torch.stack([one.shift for one in fitted]))
    known = PointMap(points.xyz, points.valid & ~without[:, None, None], points.frame)
    sizes = {"image_size": model.image_size, "point_size": model.conditioner.point_encoder.size}
    return make_views(batch["image"] / 255, batch["mask"], normalizer.apply(known), **sizes), normalizer


@torch.no_grad()
def truth_of(batch: Batch, model: LiftingModel, normalizer: Normalizer) -> dict[str, Tensor]:
    """Encode the true shapes and poses of a batch as latents."""
    shape = model.vae.encode_tokens(fields_of(batch["distance"], model.vae.fields))
    return {"shape": shape, **encode_pose(batch["cam_T_obj"], batch["scale"], normalizer)}


@torch.no_grad()
def fit_average(model: LiftingModel, items: Sequence[dict[str, Tensor]]) -> None:
    """Fit the normaliser of an average object: geometric mean of the scales, mean of the shifts."""
    batch = default_collate(list(items))
    fitted = [one for one in fit_normalizers(points_of(batch), batch["mask"]) if one is not None]
    model.mean_scale.copy_(torch.stack([one.scale for one in fitted]).log().mean().exp())
    model.mean_shift.copy_(torch.stack([one.shift for one in fitted]).mean(0))
