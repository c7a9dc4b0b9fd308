"""Methods of Lift-Worlds: anything that gives a mesh and its pose for a masked object."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
from models.geometry import PointMap, unproject
from models.lifting import LiftedObject, LiftingModel, Sampling, lift_many
from models.lifting.checkpoint import load_model
from scenes.worlds.masked_objects import MaskedObject
from training.lifting.batches import fields_of

POINTS = ("exact", "noisy", "without")  # the point map that a method sees
WRONG_SCALE = (1.1, 1.3)  # factor, up or down, of noisy depth
GRAIN = 0.02  # standard deviation of the relative error of a pixel of noisy depth
SEEDS = 1000  # between the seeds of two items: more candidates than that would share noise


class Method(ABC):
    """What is measured: predictions of a number of candidates for each item, or the reason why there is none."""

    candidates: int = 1

    @property
    @abstractmethod
    def identity(self) -> Mapping[str, Any]:
        """All that determines the predictions; equal ones are not made twice."""

    @property
    def checkpoint(self) -> Path | None:
        """The weights, if any."""
        return None

    @abstractmethod
    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        """Predict each item."""


@dataclass
class BaselineMethod(Method):
    """One of BASELINES; `known` names it and its library."""

    name: str
    library: Library
    known: Mapping[str, Any]

    @property
    def identity(self) -> Mapping[str, Any]:
        """Its name and its library."""
        return self.known

    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        """Fit each item."""
        found: list[Prediction | str] = []
        for item in items:
            try:
                found.append(BASELINES[self.name](view_of(item), self.library))
            except ValueError as error:
                found.append(str(error))
        return found


@dataclass
class OracleMethod(Method):
    """The true shape, encoded and decoded by a model's VAE, at the true pose; without a model, the grid of distances.

    The refinement is left out: it sees the picture, and would not be a bound of the first stage.
    """

    model: Path | None = None

    @property
    def checkpoint(self) -> Path | None:
        """The weights, if any."""
        return self.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """What encodes."""
        return {"ceiling": checkpoint_hash(self.model) if self.model else "grid"}

    @cached_property
    def networks(self) -> LiftingModel | None:
        """The model, loaded."""
        return load_model(self.model) if self.model else None

    @torch.no_grad()
    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        """Encode and decode."""
        found: list[Prediction | str] = []
        for item in items:
            pose, scale = item.cam_T_obj.double().numpy(), float(item.scale)
            try:
                distance = item.distance if self.networks is None else self._through(self.networks, item.distance)
                found.append(Prediction(mesh_of(distance), pose, scale))
            except ValueError as error:
                found.append(str(error))
        return found

    def _through(self, model: LiftingModel, distance: Float[Tensor, "x y z"]) -> Float[Tensor, "x y z"]:
        """Encode and decode one grid."""
        grid = fields_of(distance[None], model.vae.fields)
        return -model.vae.inside(model.vae.decode_tokens(model.vae.encode_tokens(grid)))[0]


@dataclass
class ModelMethod(Method):
    """A model with a way to sample it and what it sees; candidates differ by their noise alone.

    Args:
        model: folder of a checkpoint.
        sampling: steps and guidance.
        points: the point map as it is, with a wrong scale (10 to 30 %) and noisy pixels, or none.
        candidates: samples of each item.
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
        if not 0 < self.candidates < SEEDS:
            raise ValueError(f"candidates are 1 to {SEEDS - 1}, got {self.candidates}")

    @property
    def checkpoint(self) -> Path | None:
        """The weights."""
        return self.model

    @property
    def identity(self) -> Mapping[str, Any]:
        """Weights, sampling and input."""
        return {
            "checkpoint": checkpoint_hash(self.model),
            "sampling": asdict(self.sampling),
            "points": self.points,
            "candidates": self.candidates,
        }

    @cached_property
    def networks(self) -> LiftingModel:
        """The model, loaded, on a GPU where there is one."""
        return load_model(self.model).to("cuda" if torch.cuda.is_available() else "cpu")

    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        """Lift all items in one batch; where one of them gives no surface, one by one."""
        networks = self.networks  # loading is not timed
        start = time.perf_counter()
        try:
            found: list[Prediction | str] = [prediction_of(o) for o in self._lift(networks, items, seeds, candidate)]
        except ValueError:
            found = [self._lift_one(networks, i, seed, candidate) for i, seed in zip(items, seeds, strict=True)]
        self.seconds += time.perf_counter() - start
        self.lifted += len(items)
        return found

    def _lift_one(self, model: LiftingModel, item: MaskedObject, seed: int, candidate: int) -> Prediction | str:
        try:
            return prediction_of(self._lift(model, [item], [seed], candidate)[0])
        except ValueError as error:
            return str(error)

    def _lift(
        self, model: LiftingModel, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int
    ) -> list[LiftedObject]:
        return lift_many(
            [item.image for item in items],
            [item.mask for item in items],
            [seen_points(item, self.points, seed) for item, seed in zip(items, seeds, strict=True)],
            model=model,
            sampling=self.sampling,
            seeds=[seed * SEEDS + candidate for seed in seeds],
        )


def seen_points(item: MaskedObject, points: str, seed: int) -> PointMap | None:
    """Make the point map that an arm sees."""
    if points == "without":
        return None
    return unproject(noisy_depth(item.depth, seed) if points == "noisy" else item.depth, item.intrinsics)


def noisy_depth(depth: Float[Tensor, "height width"], seed: int) -> Float[Tensor, "height width"]:
    """Scale depth by 1.1 to 1.3, up or down, and every pixel by its own noise; the same seed gives the same noise."""
    generator = torch.Generator().manual_seed(seed)
    low, high = (float(np.log(factor)) for factor in WRONG_SCALE)
    size = low + (high - low) * float(torch.rand((), generator=generator))
    sign = 1 if float(torch.rand((), generator=generator)) < 0.5 else -1
    grain = GRAIN * torch.randn(depth.shape, generator=generator)
    return depth * (sign * size + grain).exp()


def prediction_of(lifted: LiftedObject) -> Prediction:
    """Take what is scored of a lifted object."""
    mesh = Trimesh(lifted.mesh.vertices.double().numpy(), lifted.mesh.faces.numpy(), process=False)
    return Prediction(mesh, lifted.cam_T_obj.double().numpy(), lifted.scale)
