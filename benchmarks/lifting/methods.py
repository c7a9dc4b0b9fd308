"""Methods of lifting: anything that predicts a mesh and its pose for a masked object."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from trimesh import Trimesh

from benchmarks.lifting.baselines import BASELINES
from benchmarks.lifting.library import Library, mesh_of, view_of
from benchmarks.lifting.scores import Prediction
from benchmarks.records.manifest import checkpoint_hash
from benchmarks.records.record import Fact
from models.geometry import PointMap, unproject
from models.lifting import LiftedObject, LiftingModel, Sampling, lift_many
from models.lifting.checkpoint import load_model
from scenes.masked_object import MaskedObject
from training.lifting.batches import fields_of

FITS = 3  # raise it when the same weights and sampling give another result
POINTS = ("exact", "noisy", "without")  # the point map that a method sees
NOISY_SCALE = (1.1, 1.3)  # range of the factor, up or down, of noisy depth
PIXEL_NOISE = 0.02  # standard deviation of the relative error of each pixel of noisy depth
SEED_STEP = 1000  # between the noise seeds of two items; it bounds the candidates, which would share noise otherwise


class Method(ABC):
    """A measured method: it predicts a number of candidates for each item, or gives the reason why there is none."""

    candidates: int = 1

    @property
    @abstractmethod
    def identity(self) -> Mapping[str, Any]:
        """Everything that determines the predictions; those of an equal identity are not made again."""

    @property
    def checkpoint(self) -> Path | None:
        """The folder of the weights, if any."""
        return None

    @abstractmethod
    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        """Predict one candidate of each item; a string is the reason why there is none.

        `seeds` are those of the items.
        """


@dataclass
class BaselineMethod(Method):
    """One of BASELINES; `facts` identify it and its library."""

    name: str
    library: Library
    facts: Mapping[str, Any]

    @property
    def identity(self) -> Mapping[str, Any]:
        """Its name and its library."""
        return self.facts

    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        """Fit each item."""
        predictions: list[Prediction | str] = []
        for item in items:
            try:
                predictions.append(BASELINES[self.name](view_of(item), self.library))
            except ValueError as error:
                predictions.append(str(error))
        return predictions


@dataclass
class OracleMethod(Method):
    """An upper bound: the true shape at the true pose, passed through a model's VAE, or without a model as its grid."""

    model: Path | None = None

    @property
    def checkpoint(self) -> Path | None:
        """The folder of the weights, if any."""
        return self.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """The weights of the VAE, or the grid."""
        return {"ceiling": checkpoint_hash(self.model) if self.model else "grid"}

    @cached_property
    def networks(self) -> LiftingModel | None:
        """The model, loaded."""
        return load_model(self.model) if self.model else None

    @torch.no_grad()
    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        """Encode and decode the true shapes."""
        predictions: list[Prediction | str] = []
        for item in items:
            pose, scale = item.cam_T_obj.double().numpy(), float(item.scale)
            try:
                distance = item.distance if self.networks is None else self._reconstruct(self.networks, item.distance)
                predictions.append(Prediction(mesh_of(distance), pose, scale))
            except ValueError as error:
                predictions.append(str(error))
        return predictions

    def _reconstruct(self, model: LiftingModel, distance: Float[Tensor, "x y z"]) -> Float[Tensor, "x y z"]:
        """Encode and decode one grid."""
        grid = fields_of(distance[None], model.vae.fields)
        return -model.vae.inside(model.vae.decode_tokens(model.vae.encode_tokens(grid)))[0]


@dataclass
class ModelMethod(Method):
    """A lifting model with its sampling and its input; candidates differ by their noise alone.

    An object without depth is lifted without a fit: samples are laid on its mask, which takes the place of a hull.

    Args:
        model: folder of a checkpoint.
        sampling: steps and guidance.
        points: "exact", "noisy" (scale wrong by 10 to 30 %, and noisy pixels) or "without" a point map.
        candidates: samples of each item, fewer than SEED_STEP.

    Raises:
        ValueError: `points` or `candidates` has another value.
    """

    model: Path
    sampling: Sampling = field(default_factory=Sampling)
    points: str = "exact"
    candidates: int = 1
    seconds: float = field(default=0.0, init=False)  # spent on lifting
    lifted: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.points not in POINTS:
            raise ValueError(f"points={self.points!r} is unknown: choose one of {', '.join(POINTS)}")
        if not 0 < self.candidates < SEED_STEP:
            raise ValueError(f"candidates={self.candidates}: choose 1 to {SEED_STEP - 1}")

    @property
    def checkpoint(self) -> Path | None:
        """The folder of the weights."""
        return self.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """Weights, sampling and input."""
        return {
            "checkpoint": checkpoint_hash(self.model),
            "fits": FITS,
            "sampling": asdict(self.sampling),
            "points": self.points,
            "candidates": self.candidates,
        }

    @cached_property
    def networks(self) -> LiftingModel:
        """The model, loaded, on a GPU where there is one."""
        return load_model(self.model).to("cuda" if torch.cuda.is_available() else "cpu")

    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        """Lift all items in one batch, or one by one if one has no surface or no depth."""
        networks = self.networks  # loading is not timed
        start = time.perf_counter()
        predictions = self._lift_batch(networks, items, seeds, candidate) if all(map(has_depth, items)) else None
        if predictions is None:
            predictions = [self._lift_one(networks, i, seed, candidate) for i, seed in zip(items, seeds, strict=True)]
        self.seconds += time.perf_counter() - start
        self.lifted += len(items)
        return predictions

    def _lift_batch(
        self, model: LiftingModel, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int
    ) -> list[Prediction | str] | None:
        """Lift all items at once; None where one of them fails, and with it the batch."""
        try:
            return [prediction_of(lifted) for lifted in self._lift(model, items, seeds, candidate)]
        except ValueError:
            return None

    def _lift_one(self, model: LiftingModel, item: MaskedObject, seed: int, candidate: int) -> Prediction | str:
        try:
            return prediction_of(self._lift(model, [item], [seed], candidate)[0])
        except ValueError as error:
            return str(error)

    def _lift(
        self, model: LiftingModel, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int
    ) -> list[LiftedObject]:
        fit = self.sampling.fit if all(map(has_depth, items)) else "none"
        return lift_many(
            [item.image for item in items],
            [item.mask for item in items],
            [seen_points(item, self.points, seed) for item, seed in zip(items, seeds, strict=True)],
            intrinsics=[item.intrinsics for item in items],
            model=model,
            sampling=replace(self.sampling, fit=fit),
            seeds=[seed * SEED_STEP + candidate for seed in seeds],
        )


def seen_points(item: MaskedObject, points: str, seed: int) -> PointMap | None:
    """Build the point map that a method sees (camera frame, metres); `points` is one of POINTS.

    None without points, and for an object of which no pixel has depth.
    """
    if points == "without" or not has_depth(item):
        return None
    return unproject(noisy_depth(item.depth, seed) if points == "noisy" else item.depth, item.intrinsics)


def has_depth(item: MaskedObject) -> bool:
    """Tell whether some visible pixel of an object has depth."""
    return bool((item.depth[item.mask] > 0).any())


def noisy_depth(depth: Float[Tensor, "height width"], seed: int) -> Float[Tensor, "height width"]:
    """Multiply depth by one factor of 1.1 to 1.3, up or down, and each pixel by its own noise, drawn from `seed`."""
    generator = torch.Generator().manual_seed(seed)
    low, high = (float(np.log(factor)) for factor in NOISY_SCALE)
    log_scale = low + (high - low) * float(torch.rand((), generator=generator))
    sign = 1 if float(torch.rand((), generator=generator)) < 0.5 else -1
    pixel_noise = PIXEL_NOISE * torch.randn(depth.shape, generator=generator)
    return depth * (sign * log_scale + pixel_noise).exp()


def prediction_of(lifted: LiftedObject) -> Prediction:
    """Convert a lifted object to a prediction, without its colours."""
    mesh = Trimesh(lifted.mesh.vertices.double().numpy(), lifted.mesh.faces.numpy(), process=False)
    judged = lifted.judgement
    facts: dict[str, Fact] = {} if judged is None else {"shape_from": judged.source, "confidence": judged.confidence}
    return Prediction(mesh, lifted.cam_T_obj.double().numpy(), lifted.scale, facts)
