"""Depth Anything V2 (arXiv 2406.09414), by transformers."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from transformers import AutoImageProcessor, DepthAnythingForDepthEstimation

from models.geometry import unproject
from models.providers.contract import GeometryEstimate, assumed_intrinsics

Z_NEAR, Z_FAR = 1.0, 10.0  # where the nearest and the furthest pixel of a relative map are put (sr3d.md 2.2)


class DepthAnythingV2(nn.Module):
    """Monocular depth, frame by frame; move it to a device like any module.

    A metric head gives metres. The relative head gives inverse depth up to scale and shift of its own in each frame,
    which `relative_to_depth` turns into a z without unit: order is right, ratios are not.
    """

    def __init__(self, checkpoint: str | Path, batch: int = 8) -> None:
        """Load a checkpoint folder, or a name that has been downloaded; nothing is downloaded here.

        Args:
            checkpoint: folder or name, relative or metric head.
            batch: frames that go through the network at once.

        Raises:
            FileNotFoundError: the checkpoint is not on this machine.
        """
        super().__init__()
        try:
            self.network = DepthAnythingForDepthEstimation.from_pretrained(checkpoint, local_files_only=True).eval()
            self.processor = AutoImageProcessor.from_pretrained(checkpoint, local_files_only=True)
        except OSError as error:
            raise FileNotFoundError(
                f"no Depth Anything V2 checkpoint '{checkpoint}' here: give a folder, or get one, for example by "
                f"'hf download depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf' (metres, Apache-2.0)"
            ) from error
        self.batch = batch

    @property
    def metric(self) -> bool:
        """Whether depth is in metres."""
        return bool(self.network.config.depth_estimation_type == "metric")

    @torch.inference_mode()
    def forward(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Estimate the points of each frame, by `intrinsics` or else a pinhole of 60 degrees; `depth` is not used."""
        output = torch.cat([self.raw_output(frames) for frames in video.split(self.batch)]).to(video.device)
        intrinsics = assumed_intrinsics(video, intrinsics)
        points = unproject(output if self.metric else relative_to_depth(output), intrinsics)
        return GeometryEstimate(points, intrinsics, self.metric)

    def raw_output(self, video: UInt8[Tensor, "time 3 height width"]) -> Float[Tensor, "time height width"]:
        """Run the network and resize its map to the frames as its stock post-processing does (bicubic)."""
        inputs = self.processor(images=list(video), return_tensors="pt").to(self.network.device)
        size = (video.shape[2], video.shape[3])
        resized = self.processor.post_process_depth_estimation(self.network(**inputs), [size] * len(video))
        return torch.stack([one["predicted_depth"] for one in resized])


def relative_to_depth(
    inverse: Float[Tensor, "time height width"], z_near: float = Z_NEAR, z_far: float = Z_FAR
) -> Float[Tensor, "time height width"]:
    """Turn relative inverse depth (larger is nearer) into z, frame by frame.

    d = (D - min D) / (max D - min D); z = 1 / (1 / z_far + d (1 / z_near - 1 / z_far)), with the first denominator at
    least 1e-6. Source: sr3d.md 2.2; SR-3D (arXiv 2509.13317) does not say how it does this.
    """
    low, high = inverse.amin((1, 2), keepdim=True), inverse.amax((1, 2), keepdim=True)
    d = (inverse - low) / (high - low).clamp_min(1e-6)
    return 1 / (1 / z_far + d * (1 / z_near - 1 / z_far))
