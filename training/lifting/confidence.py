"""Calibration of the confidence of a lifting model on rendered objects, whose true shape is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from rich.progress import track
from torch import Tensor

from models.geometry import invert, transform_points, unproject
from models.geometry.mesh import Mesh
from models.lifting.calibration import Calibration, Signs
from models.lifting.checkpoint import save_model
from models.lifting.lift import LiftedObject, lift_many
from models.lifting.meshes.ray_casting import inside_mesh
from models.lifting.options import Sampling
from scenes.masked_object import MaskedObject, ObjectStore
from training.lifting.batches import Batch
from training.lifting.stage import LiftingStage

COMPARED_POINTS = 20_000  # uniform in the box around both solids: an IoU of one object is within 0.01


class ConfidenceCalibration(LiftingStage):
    """Lift the objects of the data as `region4d lift` does, and fit the confidence to their true overlap.

    No weight changes: nothing is trained, and the model is written with its calibration beside the weights.

    Args:
        sampling: how the objects are lifted, which the calibration then holds for.
        at_once: objects in one batch.
        **options: arguments of `LiftingStage`.
    """

    trained = "nothing; the confidence is calibrated"

    def __init__(self, *, sampling: Sampling, at_once: int = 8, **options: Any) -> None:
        super().__init__(**options)
        self.sampling, self.at_once = sampling, at_once

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Refuse: a calibration has no steps."""
        raise ValueError("a calibration trains nothing: leave trainer.max_steps at 0")

    def export(self, folder: Path) -> None:
        """Calibrate the model and write it."""
        stores: Sequence[ObjectStore] = self.items.stores  # type: ignore[attr-defined]
        self.model.calibration = calibrate(self.model.eval(), stores, self.sampling, self.at_once)
        save_model(self.model, folder)


def calibrate(model: Any, stores: Sequence[ObjectStore], sampling: Sampling, at_once: int = 8) -> Calibration:
    """Lift all objects of the stores, compare them with their truth, and fit the confidence.

    The first store has objects like those that the model was trained on; of these it is known how well they agree.

    Raises:
        ValueError: one sample of each object is drawn, there are too few objects, or one cannot be lifted.
    """
    if sampling.best_of < 2:
        raise ValueError("a calibration compares samples of an object: set module.sampling.best_of to 2 or more")
    signs, overlaps = [], []
    starts = [(store, start) for store in stores for start in range(0, len(store), at_once)]
    for store, start in track(starts, "calibrating"):
        items = [store[k] for k in range(start, min(start + at_once, len(store)))]
        for item, lifted in zip(items, lift_items(model, items, sampling, store.seeds[start]), strict=True):
            judged = lifted.judgement
            assert judged is not None
            assert judged.network is not None  # it has depth
            assert judged.sphericity is not None
            signs.append(Signs(judged.network, judged.spread, judged.sphericity))
            overlaps.append(overlap(lifted, item))
    return Calibration.fit(signs, overlaps, len(stores[0]))


def lift_items(model: Any, items: list[MaskedObject], sampling: Sampling, seed: int) -> list[LiftedObject]:
    """Lift masked objects in one batch, with the seeds from `seed` on."""
    return lift_many(
        [item.image for item in items],
        [item.mask for item in items],
        [unproject(item.depth, item.intrinsics) for item in items],
        intrinsics=[item.intrinsics for item in items],
        model=model,
        sampling=sampling,
        seeds=range(seed, seed + len(items)),
    )


def overlap(lifted: LiftedObject, item: MaskedObject) -> float:
    """Measure the solid IoU of a lifted object and the truth in the camera frame, pose and scale included."""
    mesh = lifted.in_camera()
    in_cube = transform_points(mesh.vertices, invert(item.cam_T_obj)) / item.scale
    low = in_cube.amin(0).clamp(max=-0.5)
    high = in_cube.amax(0).clamp(min=0.5)
    share = torch.rand(COMPARED_POINTS, 3, generator=torch.Generator().manual_seed(0))
    points = low + share * (high - low)
    grid = rearrange(2 * points.flip(-1), "p c -> 1 1 1 p c")  # last axis first, in [-1, 1]
    distance = F.grid_sample(item.distance[None, None], grid, padding_mode="border", align_corners=False).flatten()
    true = (distance <= 0) & (points.abs() <= 0.5).all(-1)
    found = inside_mesh(Mesh(in_cube, mesh.faces), points)
    return float((true & found).sum() / (true | found).sum().clamp_min(1))
