"""Monocular depth models of transformers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from transformers import AutoImageProcessor, AutoModelForDepthEstimation

from models.checkpoint_files import NO_CODE
from models.geometry import default_intrinsics, unproject, valid_depth
from models.pretrained import IncompleteCheckpointError, load_pretrained
from models.providers.contract import GeometryEstimate, assumed_intrinsics

Z_NEAR, Z_FAR = 1.0, 10.0  # where the nearest and the furthest pixel of a relative map are put (sr3d.md 2.2)

UNUSED = ("neck.fusion_stage.layers.0.residual_layer1.",)  # MiDaS's files lack them: the first has no residual
Output = Literal["metres", "inverse", "as configured", "prompted"]
OUTPUTS: dict[str, Output] = {  # by `model_type`
    "depth_anything": "as configured",  # `depth_estimation_type`: metres, or inverse depth
    "depth_pro": "metres",
    "dpt": "inverse",  # MiDaS
    "glpn": "metres",
    "prompt_depth_anything": "prompted",  # metres, by a prompt of depth in metres
    "tipsv2_dpt": "metres",
    "zoedepth": "metres",
}


class DepthModel(nn.Module):
    """A depth model that transformers' `AutoModelForDepthEstimation` knows, frame by frame; move it like any module.

    Depth Anything V2 (arXiv 2406.09414; metric and relative), Depth Pro (2410.02073), ZoeDepth (2302.12288), Prompt
    Depth Anything (2412.14015), DPT / MiDaS (2103.13413), GLPN (2201.07436), TIPSv2. Relative models give inverse depth
    up to a scale and a shift of its own in each frame, which `relative_to_depth` turns into a z without unit: order is
    right, ratios are not.
    """

    joins_frames = False

    def __init__(self, checkpoint: str | Path, batch: int = 8) -> None:
        """Load a checkpoint folder, or a name that has been downloaded; nothing is downloaded here.

        Args:
            checkpoint: folder or name.
            batch: frames that go through the network at once.

        Raises:
            FileNotFoundError: the checkpoint is not on this machine.
            ValueError: it is not a depth model, or one whose output has no known unit, or it lacks weights.
        """
        super().__init__()
        try:
            self.network = load_pretrained(AutoModelForDepthEstimation, checkpoint, UNUSED)
            self.processor = AutoImageProcessor.from_pretrained(checkpoint, local_files_only=True, **NO_CODE)
        except OSError as error:
            raise FileNotFoundError(
                f"no depth model '{checkpoint}' here: give a folder, or get one, for example by "
                f"'hf download depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf' (metres, Apache-2.0); "
                f"--no-depth does without"
            ) from error
        except IncompleteCheckpointError:
            raise
        except ValueError as error:
            raise ValueError(
                f"'{checkpoint}' is not a depth model that transformers reads: give one, such as "
                f"Depth Anything V2, Depth Pro or ZoeDepth"
            ) from error
        kind = self.network.config.model_type
        if kind not in OUTPUTS:
            raise ValueError(f"'{checkpoint}' is a {kind}, whose output is not a known depth: use {', '.join(OUTPUTS)}")
        self.output = OUTPUTS[kind]
        self.checkpoint, self.batch = str(checkpoint), batch

    @property
    def metric(self) -> bool:
        """Whether depth is in metres."""
        if self.output == "as configured":
            return bool(self.network.config.depth_estimation_type == "metric")
        return self.output != "inverse"

    @torch.inference_mode()
    def forward(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        intrinsics: Float[Tensor, "time 3 3"] | None = None,
        depth: Float[Tensor, "time height width"] | None = None,
    ) -> GeometryEstimate:
        """Estimate the points of each frame.

        Depth Pro takes the focal length of `intrinsics`, else it estimates one. All others unproject by `intrinsics`,
        else by a pinhole of 60 degrees. Prompt Depth Anything refines `depth` (metres, without holes).

        Raises:
            ValueError: the frames are too small for the model, or it needs a `depth` that is not given.
        """
        if self.output == "prompted" and (depth is None or not bool(valid_depth(depth).all())):
            raise ValueError(
                f"'{self.checkpoint}' refines measured depth and needs it at every pixel: give footage with such "
                "depth, or another depth model"
            )
        results: list[dict[str, Any]] = []
        for start in range(0, len(video), self.batch):
            part = slice(start, start + self.batch)
            camera = None if intrinsics is None else intrinsics[part]
            results += self._run(video[part], camera, None if depth is None else depth[part])
        maps = torch.stack([result["predicted_depth"] for result in results]).to(video.device)
        focal = [float(result["focal_length"]) for result in results if result.get("focal_length") is not None]
        if intrinsics is None and focal:
            size = (video.shape[2], video.shape[3])
            intrinsics = torch.stack([_centred(pixels, *size) for pixels in focal]).to(video.device)
        intrinsics = assumed_intrinsics(video, intrinsics)
        points = unproject(maps if self.metric else relative_to_depth(maps), intrinsics)
        return GeometryEstimate(points, intrinsics, self.metric)

    def raw_output(self, video: UInt8[Tensor, "time 3 height width"]) -> Float[Tensor, "time height width"]:
        """Run the network and resize its map to the frames, as its stock post-processing does."""
        return torch.stack([result["predicted_depth"] for result in self._run(video)])

    def _run(
        self, video: UInt8[Tensor, "time 3 _ _"], intrinsics: Tensor | None = None, depth: Tensor | None = None
    ) -> list[dict[str, Any]]:
        """Run one batch; `predicted_depth` has the size of the frames, and `focal_length` (pixels) is Depth Pro's."""
        height, width = video.shape[2], video.shape[3]
        prompt: dict[str, Any] = {}
        if self.output == "prompted" and depth is not None:
            prompt = {"prompt_depth": list(depth), "prompt_scale_to_meter": 1.0}
        try:
            inputs = self.processor(images=list(video), return_tensors="pt", **prompt)
        except ValueError as error:
            raise ValueError(
                f"frames of {width}x{height} pixels are too small or too thin for '{self.checkpoint}': use larger "
                "pictures, or no depth"
            ) from error
        outputs = self.network(**inputs.to(self.network.device))
        if "field_of_view" in outputs and intrinsics is not None:
            fov = torch.rad2deg(2 * torch.atan(0.5 * width / intrinsics[:, 0, 0]))
            outputs["field_of_view"] = fov.to(outputs.predicted_depth)
        sizes = [(height, width)] * len(video)
        padded = {"source_sizes": sizes} if self.network.config.model_type == "zoedepth" else {}
        resized: list[dict[str, Any]]
        resized = self.processor.post_process_depth_estimation(outputs, target_sizes=sizes, **padded)
        return resized


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


def _centred(focal: float, height: int, width: int) -> Float[Tensor, "3 3"]:
    return default_intrinsics(height, width, math.degrees(2 * math.atan(0.5 * width / focal)))
