"""Samples of objects where they stand in their pictures: drawn, chosen, and fitted to what is seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.geometry import Normalizer
from models.lifting.fitting.consensus import most_agreed
from models.lifting.fitting.pose_fitting import Fit, PoseFitter
from models.lifting.fitting.shape_fitting import ROUNDS, EvidenceInCube, fit_shapes
from models.lifting.flow_matching.paths import draw_noise
from models.lifting.flow_matching.sampler import sample
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.meshes.mesh import ColouredMesh, extract_mesh, has_surface
from models.lifting.model import LiftingModel
from models.lifting.networks.conditioning import Condition
from models.lifting.networks.pose_encoding import decode_pose
from models.lifting.options import Fitting, Sampling

NEXT_SAMPLE = 1_000_003  # between the seeds of an object's samples
FITTING = 500_000_003  # from the seed of an object to that of the noise in which its shape is fitted first
NEXT_ROUND = 2_000_003  # from there to the noise of each further time


@dataclass(frozen=True)
class Placed:
    """A sample of an object: its surface, and where that stands; without points the misfit is not known (NaN)."""

    mesh: ColouredMesh
    fit: Fit

    @property
    def surface(self) -> Float[np.ndarray, "vertex 3"]:
        """Its vertices in the camera frame."""
        return self.fit.to_camera(self.mesh.vertices.double().numpy())


def sample_each(
    model: LiftingModel,
    pictures: Sequence[MaskedPicture],
    normalizers: Sequence[Normalizer],
    condition: Condition,
    sampling: Sampling,
    seeds: Sequence[int],
) -> tuple[Float[Tensor, "object token feature"], list[Placed]]:
    """Sample each object as often as is wished, all in one batch, and keep one of its samples.

    Samples without a surface are left out; an object that has no other is an error.
    """
    count = sampling.best_of
    of_object = torch.arange(len(pictures)).repeat_interleave(count)
    noise = noise_of(model, [seed + k * NEXT_SAMPLE for seed in seeds for k in range(count)])
    wanted = condition.take(of_object.to(model.device))
    if sampling.regression:
        zero = {key: torch.zeros_like(value) for key, value in noise.items()}
        latents = sample(model.flow, zero, wanted, steps=1)
    else:
        latents = sample(
            model.flow,
            noise,
            wanted,
            steps=sampling.steps,
            warp=sampling.warp,
            guidance=sampling.guidance,
            shortcut=sampling.shortcut,
        )
    layout = {key: value.cpu() for key, value in latents.items() if key != "shape"}
    scales, shifts = (torch.stack([getattr(n, name).cpu() for n in normalizers]) for name in ("scale", "shift"))
    cam_T_obj, scale = decode_pose(layout, Normalizer(scales[of_object], shifts[of_object]))
    inside = model.vae.inside(model.vae.decode_tokens(latents["shape"]))
    kept, placed = [], []
    for k, picture in enumerate(pictures):
        mine = range(k * count, (k + 1) * count)
        whole = [n for n in mine if has_surface(inside[n])] or mine[:1]
        fits = [Fit(cam_T_obj[n].double().numpy(), float(scale[n])) for n in whole]
        some = [place(k, picture, inside[n], fit, sampling.fit) for n, fit in zip(whole, fits, strict=True)]
        best = most_agreed([one.surface for one in some], [one.fit.misfit for one in some])
        kept.append(whole[best])
        placed.append(some[best])
    return latents["shape"][kept], placed


def fit_each(
    model: LiftingModel,
    pictures: Sequence[MaskedPicture],
    condition: Condition,
    shapes: Float[Tensor, "object token feature"],
    placed: Sequence[Placed],
    seeds: Sequence[int],
) -> tuple[Float[Tensor, "object token feature"], list[Placed]]:
    """Fit shapes and poses to what is seen, in turn; an object is kept as it was where that agreed better."""
    found = list(placed)
    for turn in range(ROUNDS):
        fits = [one.fit for one in found]
        evidence = EvidenceInCube.of([picture.evidence for picture in pictures], fits, model.vae.resolution, shapes)
        noise = noise_of(model, [seed + FITTING + turn * NEXT_ROUND for seed in seeds])
        fitted = fit_shapes(model, shapes, noise, condition, evidence)
        inside = model.vae.inside(model.vae.decode_tokens(fitted))
        better = torch.zeros(len(found), dtype=torch.bool)
        for k, picture in enumerate(pictures):
            if has_surface(inside[k]):
                after = place(k, picture, inside[k], fits[k], "pose")
                if after.fit.misfit < fits[k].misfit:
                    found[k], better[k] = after, True
        shapes = torch.where(rearrange(better.to(shapes.device), "b -> b 1 1"), fitted, shapes)
    return shapes, found


def place(number: int, picture: MaskedPicture, inside: Float[Tensor, "x y z"], start: Fit, fit: Fitting) -> Placed:
    """Extract the surface of a decoded field and compare it with the visible points, or fit its pose to them.

    Raises ValueError, naming the object by its number, where there is no surface.
    """
    with named(number):
        mesh = extract_mesh(inside)
        if picture.points is None:
            return Placed(mesh, start)
        fitter = PoseFitter(mesh, picture.evidence)
        return Placed(mesh, (fitter.judge if fit == "none" else fitter.fit)(start))


@contextmanager
def named(number: int) -> Iterator[None]:
    """Say of which object an error speaks."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"object {number}: {error}") from error


def noise_of(model: LiftingModel, seeds: Sequence[int]) -> dict[str, Tensor]:
    """Draw the noise of each object from its own seed, so that its neighbours in the batch do not matter."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    drawn = [draw_noise(model.flow.token_shapes, 1, generator=generator) for generator in generators]
    return {key: torch.cat([each[key] for each in drawn]).to(model.device) for key in drawn[0]}
