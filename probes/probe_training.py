"""Training of a probe on frozen features, and its errors on every validation and test clip."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.manifest import collect_manifest
from benchmarks.metrics.dense import abs_rel
from benchmarks.metrics.points import aligned_point_error, depth_error
from benchmarks.metrics.pose import pose_auc, relative_pose_errors
from models.geometry import invert
from models.training import adamw
from probes.clip_sets import SPLITS
from probes.losses import camera_loss, depth_loss, point_loss
from probes.pose_encoding import decode_pose, encode_pose
from probes.probe import Perceived, Probe

THRESHOLDS_DEG = (5, 30)  # of the areas under the recall curve
SHOWN = 8  # test clips whose points are kept for the viewer
ERRORS, CLOUDS = "errors.json", "clouds.safetensors"
DIGITS = 5
STILL = 1e-4  # of the unit: a camera that moves less does not move


class ProbeTraining(LightningModule):
    """Fit a probe: point, depth and camera loss with weights 1, 1, 1 (specs/vidfm3d.md 3.1).

    Args:
        probe: reads features; nothing else is trained.
        learning_rate: peak.
        weight_decay: of AdamW.
        warmup_fraction: of all steps.
    """

    def __init__(
        self, *, probe: Probe, learning_rate: float, weight_decay: float = 0.05, warmup_fraction: float = 0.1
    ) -> None:
        super().__init__()
        self.probe = probe
        self.learning_rate, self.weight_decay, self.warmup_fraction = learning_rate, weight_decay, warmup_fraction
        self.errors: dict[str, dict[str, dict[str, float]]] = {}
        self.features: dict[str, Any] = {}  # where they come from
        self.clouds: dict[str, Tensor] = {}

    def setup(self, stage: str) -> None:
        """Refuse features of another width.

        Raises:
            ValueError: so they are.
        """
        found, wanted = self.trainer.datamodule.channels, self.probe.channels  # type: ignore[attr-defined]
        self.features = self.trainer.datamodule.store.notes()  # type: ignore[attr-defined]
        if found != wanted:
            raise ValueError(
                f"the features have {found} channels, the probe reads {wanted}: set model.channels={found}"
            )

    def read(self, batch: Mapping[str, Any]) -> Perceived:
        """Run the probe at the size of the labels."""
        height, width = batch["labels"]["depth"].shape[-2:]
        found: Perceived = self.probe(batch["features"], (height, width))
        return found

    def training_step(self, batch: Mapping[str, Any], batch_index: int) -> Tensor:
        """Take the sum of the three losses."""
        labels, found = batch["labels"], self.read(batch)
        height, width = labels["depth"].shape[-2:]
        camera = encode_pose(labels["cam_T_world"], labels["intrinsics"], height, width)
        losses = {
            "points": point_loss(found.points, labels["points"], labels["confidence"], labels["valid"]),
            "depth": depth_loss(found.depth, labels["depth"], labels["confidence"], labels["valid"]),
            "camera": camera_loss(found.cameras, camera),
        }
        self.log_dict({f"loss_{name}": loss for name, loss in losses.items()}, sync_dist=True)
        total = torch.stack(list(losses.values())).sum()
        self.log("loss", total, prog_bar=True, sync_dist=True)
        return total

    def test_step(self, batch: Mapping[str, Any], batch_index: int, dataloader_idx: int = 0) -> None:
        """Measure every clip; keep the points of some test clips."""
        found, labels, split = self.read(batch), batch["labels"], SPLITS[1:][dataloader_idx]
        errors = self.errors.setdefault(split, {})
        for k, clip in enumerate(batch["clips"]):
            one = {name: value[k] for name, value in labels.items()}
            errors[clip] = clip_errors(found.points[k], found.depth[k], found.cameras[-1][k], one)
            if split == "test" and len(errors) <= SHOWN:
                shown = {"pred": found.points[k], "true": one["points"], "valid": one["valid"]}
                self.clouds |= {f"{clip}/{name}": value.cpu().contiguous() for name, value in shown.items()}

    def configure_optimizers(self) -> dict[str, Any]:
        """AdamW, warm-up then cosine (specs/vidfm3d.md 3.2)."""
        return adamw(
            self.probe.parameters(),
            self.trainer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            warmup_fraction=self.warmup_fraction,
            betas=(0.9, 0.95),
        )

    def summary(self) -> str:
        """Say what it is, for its card."""
        count = sum(p.numel() for p in self.probe.parameters())
        return f"A probe of {count / 1e6:.2f} M parameters that reads points, depth and cameras from frozen features."

    def export(self, folder: Path) -> None:
        """Write the probe, the errors of every clip, and the points of some."""
        folder.mkdir(parents=True)
        save_file(
            {name: value.contiguous() for name, value in self.probe.state_dict().items()}, folder / "model.safetensors"
        )
        made = {"features": self.features, "manifest": asdict(collect_manifest({}))}
        rounded = {
            split: {
                clip: {name: round(value, DIGITS) for name, value in found.items()} for clip, found in errors.items()
            }
            for split, errors in self.errors.items()
        }
        (folder / ERRORS).write_text(json.dumps({**made, "errors": rounded}))
        save_file(self.clouds, folder / CLOUDS)


def clip_errors(points: Tensor, depth: Tensor, camera: Tensor, labels: Mapping[str, Tensor]) -> dict[str, float]:
    """Measure one clip by the published definitions, and by those that other work uses; lengths in units of the clip.

    `point_error`, `depth_error` and `auc*_vidfm3d` are the published ones; `abs_rel` has one scale a clip (that of the
    medians), `auc*` one-degree bins and relative poses between cameras. `rotation_deg` and `translation_deg` are means
    over all pairs of views. A camera that stays where it is has no direction of translation: then what depends on one
    is left out.
    """
    height, width = depth.shape[-2:]
    confidence, valid = labels["confidence"], labels["valid"]
    scale = labels["depth"][valid].median() / depth[valid].median()
    errors = {
        "point_error": aligned_point_error(points, labels["points"], confidence, valid),
        "depth_error": depth_error(depth, labels["depth"], confidence, valid),
        "abs_rel": abs_rel(scale * depth, labels["depth"], valid),
    }
    cam_T_world, _ = decode_pose(camera, height, width)
    centres = invert(labels["cam_T_world"])[:, :3, 3]
    still = float((centres - centres[:1]).norm(dim=-1).max()) < STILL
    for convention, bins, name in (("camera", "one_degree", ""), ("vidfm3d", "vidfm3d", "_vidfm3d")):
        rotation, translation = relative_pose_errors(cam_T_world, labels["cam_T_world"], convention)
        for threshold in () if still else THRESHOLDS_DEG:
            errors[f"auc{threshold}{name}"] = pose_auc(torch.maximum(rotation, translation), threshold, bins)
        if not name:
            errors |= {"rotation_deg": rotation.mean()} | ({} if still else {"translation_deg": translation.mean()})
    return {name: float(value) for name, value in errors.items()}


def read_errors(path: Path) -> dict[str, Any]:
    """Read what a probe's export says of its errors, plain or compressed by gzip.

    Raises:
        FileNotFoundError: it is not there: the probe is not trained.
    """
    packed = path.with_name(path.name + ".gz")
    if path.is_file():
        found: dict[str, Any] = json.loads(path.read_text())
    elif packed.is_file():
        found = json.loads(gzip.decompress(packed.read_bytes()))
    else:
        raise FileNotFoundError(f"no {path.name} in {path.parent}: the probe is not trained yet")
    return found
