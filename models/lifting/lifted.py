"""An object lifted out of a picture, and the call that lifts one or many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import Normalizer, PointMap, transform_points
from models.lifting.conditioning import Condition
from models.lifting.consensus import most_agreed
from models.lifting.crops import ObjectViews
from models.lifting.flow import draw_noise
from models.lifting.masked_picture import MaskedPicture
from models.lifting.mesh import ColouredMesh, coloured, extract_mesh
from models.lifting.model import LiftingModel
from models.lifting.pose_encoding import decode_pose
from models.lifting.pose_fitting import Fit, PoseFitter
from models.lifting.refinement import (
    STATE,
    Band,
    densify,
    find_band,
    interpolate_colours,
    sample_refinement,
    with_colours,
)
from models.lifting.sampler import Guidance, sample
from models.lifting.shape_fitting import EvidenceInCube, fit_shapes

Fitting = Literal["none", "pose", "shape"]
NEXT_SAMPLE = 1_000_003  # between the seeds of an object's samples
FITTING = 500_000_003  # from the seed of an object to that of the noise in which its shape is fitted
NEAR = 0.05  # of the cube's side: a visible point this close to the surface supports it


@dataclass(frozen=True)
class LiftedObject:
    """A mesh with its pose in the camera.

    `mesh` lies in the object's own frame, the cube [-0.5, 0.5]^3 with z up, without unit. A vertex v of it is at
    R (scale * v) + t of the camera (OpenCV axes, metres), with `cam_T_obj` = (R, t) rigid. Where no point map was
    given, pose and scale are those of an average scene and say nothing of metres.

    `confidence` is the share of the object's visible points that lie within 5 % of the cube's side of the surface; None
    without a point map. `misfit` is how ill mesh and points agree, see `pose_fitting.Fit`; None where nobody asked.
    """

    mesh: ColouredMesh
    cam_T_obj: Float[Tensor, "4 4"]
    scale: float
    confidence: float | None
    misfit: float | None = None

    def in_camera(self) -> ColouredMesh:
        """Carry the mesh to the camera frame (OpenCV axes, metres)."""
        vertices = transform_points(self.scale * self.mesh.vertices, self.cam_T_obj)
        return ColouredMesh(vertices, self.mesh.faces, self.mesh.colours)


@dataclass(frozen=True)
class Sampling:
    """How a lift samples; the defaults are those released.

    `shortcut` needs a model distilled for it, and `regression` one trained to predict the latents at once: it starts
    at zero instead of noise and takes one step. Of `best_of` N samples the one is kept that most agree on
    (`consensus`). `fit` moves each sample onto its visible points ("pose", see `pose_fitting`), and lets the shape of
    the one that is kept follow them as well ("shape", see `shape_fitting`). Both need a point map.
    """

    steps: int = 25
    warp: int | float = 3.0
    guidance: Guidance = field(default_factory=Guidance)
    shortcut: bool = False
    regression: bool = False
    refinement_steps: int = 25
    fit: Fitting = "none"
    best_of: int = 1

    def __post_init__(self) -> None:
        if self.fit not in get_args(Fitting):
            raise ValueError(f"fit={self.fit!r} is unknown: choose one of {', '.join(get_args(Fitting))}")
        if self.best_of < 1:
            raise ValueError(f"the best is of one sample or more, got best_of={self.best_of}")
        if self.fit == "shape" and self.regression:
            raise ValueError("a regression has no flow to fit shapes with: set fit to pose or none")


@dataclass(frozen=True)
class _Placed:
    """A sample of an object: its surface, and where that stands. Without points its misfit is 0."""

    mesh: ColouredMesh
    fit: Fit

    @property
    def surface(self) -> Float[np.ndarray, "vertex 3"]:
        """Its vertices in the camera frame."""
        found = self.fit.scale * self.mesh.vertices.double().numpy() @ self.fit.cam_T_obj[:3, :3].T
        return np.asarray(found + self.fit.cam_T_obj[:3, 3])


def lift(
    image: UInt8[Tensor, "3 _ _"],
    mask: Bool[Tensor, "_ _"],
    point_map: PointMap | None = None,
    *,
    model: LiftingModel,
    sampling: Sampling | None = None,
    seed: int = 0,
) -> LiftedObject:
    """Lift one masked object out of a picture; see `lift_many`."""
    return lift_many([image], [mask], [point_map], model=model, sampling=sampling, seeds=[seed])[0]


@torch.no_grad()
def lift_many(
    images: Sequence[UInt8[Tensor, "3 _ _"]],
    masks: Sequence[Bool[Tensor, "_ _"]],
    point_maps: Sequence[PointMap | None],
    *,
    model: LiftingModel,
    sampling: Sampling | None = None,
    seeds: Sequence[int] | None = None,
) -> list[LiftedObject]:
    """Lift many objects, of one picture or of many of any size, through the networks in one batch.

    Args:
        images: the picture of each object.
        masks: the visible pixels of each object.
        point_maps: metric points in the frame "cam" of each picture, or None where there is no depth.
        model: the networks, on the device to be used.
        sampling: steps and guidance; None takes the released ones.
        seeds: of each object's noise; the same seed gives the same object, alone or in a batch (up to rounding).

    Raises:
        ValueError: there is no object, a mask is empty or of another size than its picture, a point map is in another
            frame or has no valid point under the mask, one is missing where poses are to be fitted, or a decoded field
            has no surface. The object's place is named.
    """
    sampling = sampling or Sampling()
    seeds = [0] * len(images) if seeds is None else seeds
    if not images or len(seeds) != len(images):
        raise ValueError(f"lifting needs one object or more and a seed for each, got {len(images)} and {len(seeds)}")
    bare = [k for k, points in enumerate(point_maps) if points is None]
    if bare and (sampling.fit != "none" or sampling.best_of > 1):
        raise ValueError(
            f"object {bare[0]}: fits to visible points and the best of several samples need a point map: give depth, "
            "or leave them out"
        )
    pictures, prepared = [], []
    for k, (image, mask, points) in enumerate(zip(images, masks, point_maps, strict=True)):
        with _named(k):
            on_cpu = None if points is None else points.to("cpu")  # as meshes are; the views go to the model's device
            pictures.append(MaskedPicture(image.cpu().float() / 255, mask.cpu(), on_cpu))
            sizes = model.image_size, model.conditioner.point_encoder.size
            prepared.append(pictures[-1].views(model.mean_normalizer(), *sizes, model.extent))
    views = ObjectViews.concatenate([views for views, _ in prepared]).to(model.device)
    condition = model.conditioner(views)
    normalizers = [normalizer for _, normalizer in prepared]
    shapes, placed = _sample_each(model, pictures, normalizers, condition, sampling, seeds)
    if sampling.fit == "shape":
        shapes, placed = _fit_shapes(model, pictures, condition, shapes, placed, seeds)
    paint: Tensor | None = None
    if model.refinement is not None:
        inside = model.vae.inside(model.vae.decode_tokens(shapes))
        poses = torch.stack([torch.from_numpy(one.fit.cam_T_obj).float() for one in placed])
        band = look(
            find_band(inside, model.vae.latent(shapes)), pictures, poses, torch.tensor([o.fit.scale for o in placed])
        )
        start = _band_noise(band, seeds)
        state = sample_refinement(model.refinement, start, band, condition.tokens, sampling.refinement_steps)
        inside, paint = densify(state, band, inside)
        placed = [
            _place(k, picture, inside[k], one.fit.cam_T_obj, one.fit.scale, sampling.fit)
            for k, (picture, one) in enumerate(zip(pictures, placed, strict=True))
        ]
    return [
        _finish(picture, one, None if paint is None else interpolate_colours(paint[k].cpu(), one.mesh.vertices))
        for k, (picture, one) in enumerate(zip(pictures, placed, strict=True))
    ]


def _sample_each(
    model: LiftingModel,
    pictures: Sequence[MaskedPicture],
    normalizers: Sequence[Normalizer],
    condition: Condition,
    sampling: Sampling,
    seeds: Sequence[int],
) -> tuple[Float[Tensor, "object token feature"], list[_Placed]]:
    """Sample each object as often as is wished, all in one batch, and keep one of its samples."""
    count = sampling.best_of
    of_object = torch.arange(len(pictures)).repeat_interleave(count)
    noise = _noise(model, [seed + k * NEXT_SAMPLE for seed in seeds for k in range(count)])
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
    placed = [
        _place(k, pictures[k], inside[n], cam_T_obj[n].double().numpy(), float(scale[n]), sampling.fit)
        for n, k in enumerate(of_object.tolist())
    ]
    kept = []
    for first in range(0, len(placed), count):
        some = placed[first : first + count]
        kept.append(first + most_agreed([one.surface for one in some], [one.fit.misfit for one in some]))
    return latents["shape"][kept], [placed[n] for n in kept]


def _fit_shapes(
    model: LiftingModel,
    pictures: Sequence[MaskedPicture],
    condition: Condition,
    shapes: Float[Tensor, "object token feature"],
    placed: Sequence[_Placed],
    seeds: Sequence[int],
) -> tuple[Float[Tensor, "object token feature"], list[_Placed]]:
    """Fit shapes to what is seen, and their poses again; each is kept where it then agrees better."""
    evidence = EvidenceInCube.of(
        [picture.evidence for picture in pictures], [one.fit for one in placed], model.vae.resolution, model.device
    )
    noise = _noise(model, [seed + FITTING for seed in seeds])
    fitted = fit_shapes(model, shapes, noise, condition, evidence)
    inside = model.vae.inside(model.vae.decode_tokens(fitted))
    after = [
        _place(k, picture, inside[k], one.fit.cam_T_obj, one.fit.scale, "pose")
        for k, (picture, one) in enumerate(zip(pictures, placed, strict=True))
    ]
    better = [new.fit.misfit < old.fit.misfit for new, old in zip(after, placed, strict=True)]
    chosen = torch.tensor(better, device=shapes.device)[:, None, None]
    return torch.where(chosen, fitted, shapes), [
        new if is_better else old for new, old, is_better in zip(after, placed, better, strict=True)
    ]


def _place(
    number: int,
    picture: MaskedPicture,
    inside: Float[Tensor, "x y z"],
    cam_T_obj: Float[np.ndarray, "4 4"],
    scale: float,
    fit: Fitting,
) -> _Placed:
    """Extract the surface of a decoded field and compare it with the visible points, or fit its pose to them."""
    with _named(number):
        mesh = extract_mesh(inside)
    if picture.points is None:
        return _Placed(mesh, Fit(cam_T_obj, scale, 0.0))
    fitter = PoseFitter(mesh, picture.evidence)
    return _Placed(mesh, (fitter.judge if fit == "none" else fitter.fit)(cam_T_obj, scale))


def _finish(picture: MaskedPicture, placed: _Placed, predicted: Float[Tensor, "vertex 3"] | None) -> LiftedObject:
    """Paint a mesh: from the picture where it is seen, and where not, as predicted or in the mean colour."""
    mesh, scale = placed.mesh, placed.fit.scale
    cam_T_obj = torch.from_numpy(placed.fit.cam_T_obj).float()
    confidence = picture.support(mesh.vertices, cam_T_obj, scale, NEAR)
    misfit = None if picture.points is None else placed.fit.misfit
    lifted = LiftedObject(mesh, cam_T_obj, scale, confidence, misfit)
    colours, seen = picture.colours(lifted.in_camera().vertices, NEAR * scale)
    if predicted is None:
        if not bool(seen.any()):
            return lifted
        predicted = colours[seen].mean(0).expand_as(colours)
    return replace(lifted, mesh=coloured(mesh, torch.where(seen[:, None], colours, predicted)))


@contextmanager
def _named(number: int) -> Iterator[None]:
    """Say of which object an error speaks."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"object {number}: {error}") from error


def _noise(model: LiftingModel, seeds: Sequence[int]) -> dict[str, Tensor]:
    """Draw the noise of each object from its own seed, so that its neighbours in the batch do not matter."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    drawn = [draw_noise(model.flow.token_shapes, 1, generator=generator) for generator in generators]
    return {key: torch.cat([each[key] for each in drawn]).to(model.device) for key in drawn[0]}


def look(band: Band, pictures: Sequence[MaskedPicture], cam_T_obj: Tensor, scale: Tensor) -> Band:
    """Add to the band what each object's picture shows of it."""
    objects, centres = band.fine.objects.cpu(), band.fine.centres().cpu()
    xyz = transform_points(scale[objects, None] * centres, cam_T_obj[objects])
    colours, seen = torch.zeros_like(xyz), torch.zeros_like(objects, dtype=torch.bool)
    for k, picture in enumerate(pictures):
        mine = objects == k
        colours[mine], seen[mine] = picture.colours(xyz[mine], NEAR * float(scale[k]))
    return with_colours(band, colours.to(band.evidence), seen.to(band.evidence.device))


def _band_noise(band: Band, seeds: Sequence[int]) -> Tensor:
    """Draw the noise of each object's voxels from its own seed; voxels are in the order of objects."""
    counts = torch.bincount(band.fine.objects, minlength=len(seeds)).tolist()
    drawn = [
        torch.randn(count, STATE, generator=torch.Generator().manual_seed(seed))
        for count, seed in zip(counts, seeds, strict=True)
    ]
    return torch.cat(drawn).to(band.evidence)
