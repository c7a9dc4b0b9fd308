"""Posed samples of objects: drawn from the flow, selected, and refined against what the picture shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from models.geometry import Normalizer
from models.geometry.mesh import Mesh
from models.lifting.fitting.agreement import measure_agreement
from models.lifting.fitting.carving import carve
from models.lifting.fitting.consensus import most_agreed
from models.lifting.fitting.mask_fitting import lay_on_mask
from models.lifting.fitting.pose_fitting import Fit, PoseFitter
from models.lifting.fitting.shape_fitting import ROUNDS, EvidenceInCube, fit_shapes
from models.lifting.flow_matching.paths import draw_noise
from models.lifting.flow_matching.sampler import sample
from models.lifting.inputs.crops import ObjectViews
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.meshes.mesh import ColouredMesh, extract_mesh, has_surface
from models.lifting.model import LiftingModel
from models.lifting.networks.conditioning import Condition
from models.lifting.networks.flow_transformer import Latents
from models.lifting.networks.pose_encoding import decode_pose
from models.lifting.options import Fitting, Sampling

SAMPLE_SEED_STEP = 1_000_003  # between the seeds of the samples of one object
FITTING_SEED_OFFSET = 500_000_003  # from the seed of an object to the noise of its first shape fit
ROUND_SEED_STEP = 2_000_003  # from one shape fit to the next

# (model, shapes, noise, condition, evidence) -> shapes
ShapeFitter = Callable[[LiftingModel, Tensor, Latents, Condition, EvidenceInCube], Tensor]


@dataclass(frozen=True)
class PosedSample:
    """A sample of an object: its surface and fit; without a point map the residual is NaN.

    `spread` is its distance from the other samples drawn, see `Consensus`.
    """

    mesh: ColouredMesh
    fit: Fit
    spread: float | None = None

    def in_camera(self) -> Mesh:
        """Its mesh in the camera frame."""
        return Mesh(torch.from_numpy(self.surface).float(), self.mesh.faces)

    @property
    def surface(self) -> Float[np.ndarray, "vertex 3"]:
        """Its vertices in the camera frame."""
        return self.fit.to_camera(self.mesh.vertices.double().numpy())


def draw_samples(
    model: LiftingModel,
    pictures: Sequence[MaskedPicture],
    normalizers: Sequence[Normalizer],
    condition: Condition,
    sampling: Sampling,
    seeds: Sequence[int],
) -> tuple[Float[Tensor, "object token feature"], list[PosedSample]]:
    """Sample each object `best_of` times, all in one batch, and keep one sample an object (`most_agreed`).

    Samples without a surface are left out. Raises ValueError where no sample of an object has one.
    """
    count = sampling.best_of
    of_object = torch.arange(len(pictures)).repeat_interleave(count)
    noise = draw_seeded_noise(model, [seed + k * SAMPLE_SEED_STEP for seed in seeds for k in range(count)])
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
    kept, selected = [], []
    for k, picture in enumerate(pictures):
        indices = range(k * count, (k + 1) * count)
        valid = [n for n in indices if has_surface(inside[n])] or indices[:1]
        fits = [Fit(cam_T_obj[n].double().numpy(), float(scale[n])) for n in valid]
        samples = [fit_pose(k, picture, inside[n], fit, sampling.fit) for n, fit in zip(valid, fits, strict=True)]
        best = most_agreed([posed.surface for posed in samples], [misfit(picture, posed) for posed in samples])
        kept.append(valid[best.index])
        selected.append(replace(samples[best.index], spread=best.spread))
    return latents["shape"][kept], selected


@torch.no_grad()
def shape_samples(
    model: LiftingModel,
    pictures: Sequence[MaskedPicture],
    views: ObjectViews,
    normalizers: Sequence[Normalizer],
    sampling: Sampling,
    seeds: Sequence[int],
) -> tuple[Float[Tensor, "object token feature"], list[PosedSample]]:
    """Sample each object from its views, and fit the shape where `sampling` says so; see `draw_samples`."""
    condition = model.conditioner(views)
    shapes, posed = draw_samples(model, pictures, normalizers, condition, sampling, seeds)
    if sampling.fit == "shape":
        shapes, posed = refine_samples(model, pictures, condition, shapes, posed, seeds)
    return shapes, posed


def carve_samples(
    model: LiftingModel,
    pictures: Sequence[MaskedPicture],
    shapes: Float[Tensor, "object token feature"],
    posed: Sequence[PosedSample],
) -> list[PosedSample]:
    """Take what is seen to be empty out of fitted shapes (`carve`), unless nothing would be left of one."""
    inside = model.vae.inside(model.vae.decode_tokens(shapes))
    carved = []
    for picture, whole, before in zip(pictures, inside, posed, strict=True):
        kept, after = carve(whole, picture.evidence, before.fit), before
        if has_surface(kept):
            mesh = extract_mesh(kept)
            after = replace(before, mesh=mesh, fit=PoseFitter(mesh, picture.evidence).measure(before.fit))
        carved.append(after)
    return carved


def refine_samples(
    model: LiftingModel,
    pictures: Sequence[MaskedPicture],
    condition: Condition,
    shapes: Float[Tensor, "object token feature"],
    posed: Sequence[PosedSample],
    seeds: Sequence[int],
    shape_fitter: ShapeFitter = fit_shapes,
    pose_fitter: Callable[..., PosedSample] | None = None,
) -> tuple[Float[Tensor, "object token feature"], list[PosedSample]]:
    """Fit shapes and poses to the evidence in turn; an object changes only where its residual becomes smaller.

    `shape_fitter` and `pose_fitter` (None for `fit_pose`) can be replaced, for example by a cheaper fit.
    """
    pose_fitter = pose_fitter or fit_pose
    refined = list(posed)
    for turn in range(ROUNDS):
        fits = [sample.fit for sample in refined]
        evidence = EvidenceInCube.of([picture.evidence for picture in pictures], fits, model.vae.resolution, shapes)
        noise = draw_seeded_noise(model, [seed + FITTING_SEED_OFFSET + turn * ROUND_SEED_STEP for seed in seeds])
        fitted = shape_fitter(model, shapes, noise, condition, evidence)
        inside = model.vae.inside(model.vae.decode_tokens(fitted))
        better = torch.zeros(len(refined), dtype=torch.bool)
        for k, picture in enumerate(pictures):
            if has_surface(inside[k]):
                after = pose_fitter(k, picture, inside[k], fits[k], "pose")
                if after.fit.residual < fits[k].residual:
                    refined[k], better[k] = replace(after, spread=refined[k].spread), True
        shapes = torch.where(rearrange(better.to(shapes.device), "b -> b 1 1"), fitted, shapes)
    return shapes, refined


def fit_pose(
    number: int, picture: MaskedPicture, inside: Float[Tensor, "x y z"], start: Fit, fit: Fitting
) -> PosedSample:
    """Extract the surface of a decoded field; measure the residual of its pose, or fit the pose to the visible points.

    Without points, a known camera lays it on its mask (`lay_on_mask`).

    Raises ValueError, which names the object by its number, where there is no surface.
    """
    with naming_object(number):
        mesh = extract_mesh(inside)
        if picture.points is None:
            return PosedSample(mesh, _laid(mesh, picture, start))
        fitter = PoseFitter(mesh, picture.evidence)
        return PosedSample(mesh, (fitter.measure if fit == "none" else fitter.fit)(start))


def _laid(mesh: ColouredMesh, picture: MaskedPicture, start: Fit) -> Fit:
    if picture.known_intrinsics is None:
        return start
    vertices, intrinsics = mesh.vertices.double().numpy(), picture.known_intrinsics.double().numpy()
    return lay_on_mask(vertices, start, picture.mask.numpy(), intrinsics)


def misfit(picture: MaskedPicture, posed: PosedSample) -> float:
    """Give the residual of a sample; without points, what is missing of its silhouette; without a camera, 0."""
    if picture.points is not None:
        return posed.fit.residual
    if picture.known_intrinsics is None:
        return 0.0
    return measure_agreement(posed.in_camera(), picture).disagreement


@contextmanager
def naming_object(number: int) -> Iterator[None]:
    """Prefix errors with the number of the object."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"object {number}: {error}") from error


def draw_seeded_noise(model: LiftingModel, seeds: Sequence[int]) -> dict[str, Tensor]:
    """Draw the noise of each object from its own seed, so that it does not depend on the rest of the batch."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    drawn = [draw_noise(model.flow.token_shapes, 1, generator=generator) for generator in generators]
    return {key: torch.cat([of_object[key] for of_object in drawn]).to(model.device) for key in drawn[0]}
