"""Training of the refinement flow: distances and colours of the voxels near the surface, at twice the resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import UInt8
from torch import Tensor

from models.geometry import PointMap, voxel_centres
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.flow_matching.paths import interpolate
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.lift import observe_band
from models.lifting.networks.grid import truncated_distance
from models.lifting.networks.refinement import find_band, refinement_loss
from scenes.worlds.masked_objects import MARGIN
from scenes.worlds.objects.solid import signed_distance
from scenes.worlds.world import WorldObject
from training.lifting.batches import Batch, fields_of, points_of, tensors_of, views_of
from training.lifting.data import MaskedObjects, WorldObjects
from training.lifting.stage import LiftingStage


class PaintedObjects(MaskedObjects):
    """Masked objects with the colour of the nearest part at each voxel (`albedo`)."""

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        item = self.store[index]
        return tensors_of(item) | {"albedo": albedo_grid(self.store.world_object(item), len(item.distance))}


class WorldPaintedObjects(WorldObjects):
    """Masked objects with colours; `objects.resolution` is that of the refined grid, twice the VAE's."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.items = PaintedObjects(self.store)


class RefinementTraining(LiftingStage):
    """Train the refinement flow on true shapes and poses, passed through the VAE."""

    trained = "the refinement flow"

    def parts(self) -> list[torch.nn.Module]:
        """List the refinement flow."""
        if self.model.refinement is None:
            raise ValueError("this model has no refinement flow to train; set model.refinement")
        return [self.model.refinement]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the flow-matching loss on the band of voxels near the surface."""
        model, fine = self.model, batch["distance"]
        if fine.shape[-1] != 2 * model.vae.resolution or model.refinement is None:
            raise ValueError(
                f"refining {model.vae.resolution}^3 needs distances at {2 * model.vae.resolution}^3, got "
                f"{fine.shape[-1]}^3: set data.objects.resolution"
            )
        with torch.no_grad():
            views, _ = views_of(batch, model, torch.zeros(len(fine), dtype=torch.bool))
            context = model.conditioner(views).tokens
            tokens = model.vae.encode_tokens(fields_of(F.avg_pool3d(fine[:, None], 2)[:, 0], model.vae.fields))
            inside = model.vae.inside(model.vae.decode_tokens(tokens))
            band = find_band(inside, model.vae.latent(tokens))
            poses, scales = batch["cam_T_obj"].double().cpu().numpy(), batch["scale"].tolist()
            fits = [Fit(pose, scale) for pose, scale in zip(poses, scales, strict=True)]
            band = observe_band(band, pictures_of(batch), fits)
            albedo = 2 * batch["albedo"].float() / 255 - 1
            target = band.fine.gather(torch.cat([truncated_distance(fine)[:, None], albedo], 1))
        noise = torch.randn_like(target)
        time = torch.rand(len(fine), device=self.device)
        state = interpolate(noise, target, time[band.fine.objects])
        predicted = model.refinement(state, time, band, context)
        everywhere = torch.ones(len(target), dtype=torch.bool, device=self.device)
        loss = refinement_loss(predicted, target - noise, everywhere)
        self.log("loss", loss, prog_bar=True, sync_dist=True)
        return loss


def pictures_of(batch: Batch) -> Sequence[MaskedPicture]:
    """Split a batch into masked pictures on the CPU."""
    points = points_of(batch)
    return [
        MaskedPicture(image.cpu().float() / 255, mask.cpu(), PointMap(xyz.cpu(), valid.cpu(), points.frame))
        for image, mask, xyz, valid in zip(batch["image"], batch["mask"], points.xyz, points.valid, strict=True)
    ]


def albedo_grid(obj: WorldObject, resolution: int) -> UInt8[Tensor, "3 x y z"]:
    """Compute, at each voxel of the object's cube, the mean texture colour of the nearest part."""
    centres = max(obj.size) / MARGIN * voxel_centres(resolution, torch.zeros(1)).reshape(-1, 3)
    distances = [signed_distance(replace(obj, primitives=(part,)), centres).abs() for part in obj.primitives]
    mean_colours = [[(a + b) / 2 for a, b in zip(t.colour, t.other, strict=True)] for t in obj.textures]
    colour = torch.tensor(mean_colours)[torch.stack(distances).argmin(0)]
    return (255 * colour).round().clamp(0, 255).to(torch.uint8).T.reshape(3, resolution, resolution, resolution)
