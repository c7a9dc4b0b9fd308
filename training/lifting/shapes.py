"""Training of the shape VAE, or of its decoder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.lifting.networks.occupancy_vae import kl_divergence, reconstruction_loss
from training.lifting.batches import Batch, fields_of
from training.lifting.stage import STATISTICS_ITEMS, LiftingStage


class ShapeAutoencoding(LiftingStage):
    """Train the shape VAE by reconstruction and a small KL term, then fit the statistics of its latent.

    Args:
        kl_weight: weight of the KL divergence, which is a mean over latent elements.
        decoder_only: keep the encoder and the statistics, so that flows trained on this latent remain valid.
        **options: arguments of `LiftingStage`.
    """

    def __init__(self, *, kl_weight: float = 1e-3, decoder_only: bool = False, **options: Any) -> None:
        self.decoder_only = decoder_only
        super().__init__(**options)
        self.kl_weight = kl_weight
        self.trained = "the decoder of the shape VAE" if decoder_only else "the shape VAE"

    def parts(self) -> list[torch.nn.Module]:
        """List the VAE, or its decoder."""
        return [self.model.vae.decoder if self.decoder_only else self.model.vae]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the reconstruction loss and the KL divergence of one batch."""
        grids = fields_of(batch["distance"].float(), self.model.vae.fields)
        decoded, mean, log_variance = self.model.vae(grids)
        reconstruction = reconstruction_loss(decoded, grids, self.model.vae.fields)
        divergence = kl_divergence(mean, log_variance)
        loss: Tensor = reconstruction + self.kl_weight * divergence
        self.log_dict({"loss": reconstruction, "kl": divergence}, prog_bar=True, sync_dist=True)
        return loss

    @torch.no_grad()
    def export(self, folder: Path) -> None:
        """Fit the statistics of the latent, unless only the decoder was trained, and write the model."""
        if self.decoder_only:
            super().export(folder)
            return
        self.take_average()
        distances = self.items.first(STATISTICS_ITEMS, self.device)["distance"].float()
        means = [self.model.vae.encode(fields_of(part, self.model.vae.fields))[0] for part in distances.split(32)]
        self.model.vae.standardise(torch.cat(means))
        super().export(folder)
