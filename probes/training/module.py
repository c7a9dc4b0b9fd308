"""Training of one probe on frozen features, and its errors on every validation and test clip."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.metrics.pose import pose_auc, relative_pose_errors
from benchmarks.records.manifest import collect_manifest
from models.geometry import invert
from models.geometry.camera_encoding import decode_camera, encode_camera
from probes.clips.clip_sets import SPLITS
from probes.dense_errors import dense_errors
from probes.losses import camera_loss, depth_loss, point_loss
from probes.probe import Probe, ProbeOutput
from training.module import TrainingModule

THRESHOLDS_DEG = (5, 30)  # of the areas under the recall curve
CLIPS_IN_VIEWER = 8  # test clips whose points are kept
ERRORS, CLOUDS = "errors.json", "clouds.safetensors"
DIGITS = 5
STATIC_CAMERA = 1e-4  # in units of the labels: a camera that moves less does not move


class ProbeTraining(TrainingModule):
    """Fit a probe: point, depth and camera loss with weights 1, 1, 1 (specs/vidfm3d.md 3.1).

    Args:
        probe: the probe; nothing else is trained.
        **optimization: of `TrainingModule`; as published AdamW, decay 0.05 and warm-up over a tenth of the steps.
    """

    adam_betas = (0.9, 0.95)

    def __init__(self, *, probe: Probe, **optimization: Any) -> None:
        super().__init__(**optimization)
        self.probe = probe
        self.errors: dict[str, dict[str, dict[str, float]]] = {}
        self.features: dict[str, Any] = {}  # their origin
        self.clouds: dict[str, Tensor] = {}

    def setup(self, stage: str) -> None:
        """Check the width of the features.

        Raises:
            ValueError: If the feature width does not match the probe.
        """
        data: Any = self.trainer.datamodule  # type: ignore[attr-defined]
        self.features = data.store.notes()
        if data.channels != self.probe.channels:
            raise ValueError(
                f"the features have {data.channels} channels, but the probe reads {self.probe.channels}: "
                f"set model.channels={data.channels}"
            )

    def read(self, batch: Mapping[str, Any]) -> ProbeOutput:
        """Run the probe at the resolution of the labels."""
        height, width = batch["labels"]["depth"].shape[-2:]
        output: ProbeOutput = self.probe(batch["features"], (height, width))
        return output

    def training_step(self, batch: Mapping[str, Any], batch_index: int) -> Tensor:
        """Sum the three losses."""
        labels, output = batch["labels"], self.read(batch)
        height, width = labels["depth"].shape[-2:]
        camera = encode_camera(labels["cam_T_world"], labels["intrinsics"], height, width)
        losses = {
            "points": point_loss(output.points, labels["points"], labels["confidence"], labels["valid"]),
            "depth": depth_loss(output.depth, labels["depth"], labels["confidence"], labels["valid"]),
            "camera": camera_loss(output.cameras, camera),
        }
        self.log_dict({f"loss_{name}": loss for name, loss in losses.items()}, sync_dist=True)
        total = torch.stack(list(losses.values())).sum()
        self.log("loss", total, prog_bar=True, sync_dist=True)
        return total

    def test_step(self, batch: Mapping[str, Any], batch_index: int, dataloader_idx: int = 0) -> None:
        """Measure every clip; keep the points of some test clips for the viewer."""
        output, labels, split = self.read(batch), batch["labels"], SPLITS[1:][dataloader_idx]
        errors = self.errors.setdefault(split, {})
        before = len(errors)
        errors |= zip(batch["clips"], clip_errors(output.points, output.depth, output.cameras[-1], labels), strict=True)
        if split == "test":
            self.clouds |= point_clouds(batch["clips"][: max(0, CLIPS_IN_VIEWER - before)], output.points, labels)

    def summary(self) -> str:
        """Describe the probe for the model card."""
        count = sum(p.numel() for p in self.probe.parameters())
        return f"A probe of {count / 1e6:.2f} M parameters that reads points, depth and cameras from frozen features."

    def export(self, folder: Path) -> None:
        """Write the probe, the errors of every clip, and the points of some."""
        write_probe(folder, self.probe.state_dict(), self.features, self.errors, self.clouds)


def write_probe(
    folder: Path,
    weights: Mapping[str, Tensor],
    features: Mapping[str, Any],
    errors: Mapping[str, Mapping[str, Mapping[str, float]]],
    shown: Mapping[str, Tensor],
) -> None:
    """Write a probe's weights, the origin of its features, its errors by split and clip, and points of some clips."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "model.safetensors")
    rounded = {
        split: {
            clip: {name: round(value, DIGITS) for name, value in clip_metrics.items()}
            for clip, clip_metrics in split_errors.items()
        }
        for split, split_errors in errors.items()
    }
    origin = {"features": features, "manifest": asdict(collect_manifest({}))}
    (folder / ERRORS).write_text(json.dumps({**origin, "errors": rounded}))
    save_file(dict(shown), folder / CLOUDS)


def clip_errors(
    points: Float[Tensor, "clip view height width 3"],
    depth: Float[Tensor, "clip view height width"],
    camera: Float[Tensor, "clip view 9"],
    labels: Mapping[str, Tensor],
) -> list[dict[str, float]]:
    """Measure each clip in its own unit, by the published definitions and by those common elsewhere.

    `point_error`, `depth_error` and `auc*_vidfm3d` are the published ones; `abs_rel` is aligned by one scale per clip
    (that of the medians), `auc*` uses one-degree bins and relative poses between cameras. `rotation_deg` and
    `translation_deg` are means over all pairs of views. A static camera has no direction of translation: metrics that
    depend on it are then omitted.
    """
    height, width = depth.shape[-2:]
    errors = dense_errors(points, depth, labels)
    cam_T_world, _ = decode_camera(camera, height, width)
    centres = invert(labels["cam_T_world"])[..., :3, 3]
    static = (centres - centres[:, :1]).norm(dim=-1).amax(1) < STATIC_CAMERA
    directed = {}  # metrics that need a direction of translation
    for convention, bins, name in (("camera", "one_degree", ""), ("vidfm3d", "vidfm3d", "_vidfm3d")):
        rotation, translation = relative_pose_errors(cam_T_world, labels["cam_T_world"], convention)
        for threshold in THRESHOLDS_DEG:
            directed[f"auc{threshold}{name}"] = pose_auc(torch.maximum(rotation, translation), threshold, bins)
        if not name:
            errors["rotation_deg"], directed["translation_deg"] = rotation.mean(-1), translation.mean(-1)
    columns = {name: value.tolist() for name, value in (errors | directed).items()}
    return [
        {name: column[k] for name, column in columns.items() if not (is_static and name in directed)}
        for k, is_static in enumerate(static.tolist())
    ]


def point_clouds(names: Sequence[str], points: Tensor, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Collect predicted and true points of the first clips of a batch, by the names of these clips."""
    shown = {"pred": points, "true": labels["points"], "valid": labels["valid"]}
    return {
        f"{clip}/{name}": value[k].cpu().contiguous() for k, clip in enumerate(names) for name, value in shown.items()
    }


def read_errors(path: Path) -> dict[str, Any]:
    """Read the errors that a probe's export wrote.

    Raises:
        FileNotFoundError: If the probe is not trained yet.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no {path.name} in {path.parent}: the probe is not trained yet")
    errors: dict[str, Any] = json.loads(path.read_text())
    return errors
