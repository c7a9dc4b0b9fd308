"""The networks that lift an object, as one module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from models.geometry import Extent, Normalizer
from models.lifting.calibration import Calibration
from models.lifting.networks.conditioning import Conditioner
from models.lifting.networks.flow_transformer import FlowTransformer
from models.lifting.networks.occupancy_vae import OccupancyVAE


class LiftingModel(nn.Module):
    """The shape VAE, the conditioner and the geometry flow.

    `mean_scale` (metres) and `mean_shift` (metres, camera frame) are those of an average object's normaliser in the
    training set. They replace a fitted normaliser where a picture has no points; poses are then only plausible.

    Args:
        vae: of shapes; its tokens are the flow's shape tokens.
        conditioner: of pictures; its width is the flow's context width.
        flow: of shape and layout.
        image_size: side of the images and masks that the conditioner sees, pixels.
        extent: what an object's normaliser scales to about one unit: the scene, as released, or the object, so that
            its pose and points have the same magnitude in every room.
    """

    mean_scale: Tensor
    mean_shift: Tensor
    config: Mapping[str, Any]  # the arguments of `build_model`
    distilled: bool = False  # for few steps
    calibration: Calibration | None = None  # of the confidence of its lifts

    def __init__(
        self,
        *,
        vae: OccupancyVAE,
        conditioner: Conditioner,
        flow: FlowTransformer,
        image_size: int = 64,
        extent: Extent = "scene",
    ) -> None:
        super().__init__()
        actual, expected = (vae.tokens, vae.token_channels), flow.token_shapes["shape"]
        if actual != expected:
            raise ValueError(
                f"the VAE has {actual[0]} tokens of {actual[1]} channels and the flow expects {expected[0]} of "
                f"{expected[1]}: set the flow's `side` and `shape_channels` to match"
            )
        self.vae, self.conditioner, self.flow = vae, conditioner, flow
        self.image_size, self.extent = image_size, extent
        self.register_buffer("mean_scale", torch.tensor(1.0))
        self.register_buffer("mean_shift", torch.tensor([0.0, 0.0, 1.0]))

    @property
    def device(self) -> torch.device:
        """The device of the networks."""
        return self.mean_scale.device

    def mean_normalizer(self) -> Normalizer:
        """Build the normaliser of a picture without points."""
        return Normalizer(self.mean_scale, self.mean_shift)
