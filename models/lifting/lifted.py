"""An object lifted out of a picture, and the call that lifts one or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import Normalizer, PointMap, transform_points
from models.lifting.crops import ObjectViews
from models.lifting.flow import draw_noise
from models.lifting.masked_picture import MaskedPicture
from models.lifting.mesh import ColouredMesh, coloured, extract_mesh
from models.lifting.model import LiftingModel
from models.lifting.pose_encoding import decode_pose
from models.lifting.pose_fitting import Evidence, ShapeFitter
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

NEXT_SAMPLE = 1_000_003  # between the seeds of an object's samples
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
    at zero instead of noise and takes one step. `fit` moves each shape onto its visible points (`pose_fitting`), and
    `best_of` N samples keeps the one of least misfit; both need a point map.
    """

    steps: int = 25
    warp: int | float = 3.0
    guidance: Guidance = field(default_factory=Guidance)
    shortcut: bool = False
    regression: bool = False
    refinement_steps: int = 25
    fit: bool = False
    best_of: int = 1


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
    if bare and (sampling.fit or sampling.best_of > 1):
        raise ValueError(
            f"object {bare[0]}: fitting a pose and choosing the best of several samples need a point map: give depth, "
            "or leave them out"
        )
    if sampling.best_of > 1:
        return _best_of(images, masks, point_maps, model, sampling, seeds)
    pictures, prepared = [], []
    for k, (image, mask, points) in enumerate(zip(images, masks, point_maps, strict=True)):
        try:
            on_cpu = None if points is None else points.to("cpu")  # as meshes are; the views go to the model's device
            pictures.append(MaskedPicture(image.cpu().float() / 255, mask.cpu(), on_cpu))
            sizes = model.image_size, model.conditioner.point_encoder.size
            prepared.append(pictures[-1].views(model.mean_normalizer(), *sizes, model.extent))
        except ValueError as error:
            raise ValueError(f"object {k}: {error}") from error
    views = ObjectViews.concatenate([views for views, _ in prepared]).to(model.device)
    scales, shifts = zip(*((n.scale.cpu(), n.shift.cpu()) for _, n in prepared), strict=True)
    condition = model.conditioner(views)
    noise = _noise(model, seeds)
    if sampling.regression:
        zero = {key: torch.zeros_like(value) for key, value in noise.items()}
        latents = sample(model.flow, zero, condition, steps=1)
    else:
        latents = sample(
            model.flow,
            noise,
            condition,
            steps=sampling.steps,
            warp=sampling.warp,
            guidance=sampling.guidance,
            shortcut=sampling.shortcut,
        )
    layout = {key: value.cpu() for key, value in latents.items() if key != "shape"}
    cam_T_obj, scale = decode_pose(layout, Normalizer(torch.stack(scales), torch.stack(shifts)))
    inside = model.vae.inside(model.vae.decode_tokens(latents["shape"]))
    paint: Tensor | None = None
    if model.refinement is not None:
        band = look(find_band(inside, model.vae.latent(latents["shape"])), pictures, cam_T_obj, scale)
        start = _band_noise(band, seeds)
        state = sample_refinement(model.refinement, start, band, condition.tokens, sampling.refinement_steps)
        inside, paint = densify(state, band, inside)
    found = []
    for k, picture in enumerate(pictures):
        try:
            mesh = extract_mesh(inside[k])
        except ValueError as error:
            raise ValueError(f"object {k}: {error}") from error
        predicted = None if paint is None else interpolate_colours(paint[k].cpu(), mesh.vertices)
        found.append(_finish(picture, mesh, cam_T_obj[k], float(scale[k]), predicted, sampling.fit))
    return found


def _best_of(
    images: Sequence[Tensor],
    masks: Sequence[Tensor],
    point_maps: Sequence[PointMap | None],
    model: LiftingModel,
    sampling: Sampling,
    seeds: Sequence[int],
) -> list[LiftedObject]:
    """Sample each object several times, in one batch, and keep the sample that agrees best with its points."""
    count = sampling.best_of
    samples = lift_many(
        [image for image in images for _ in range(count)],
        [mask for mask in masks for _ in range(count)],
        [points for points in point_maps for _ in range(count)],
        model=model,
        sampling=replace(sampling, best_of=1),
        seeds=[seed + k * NEXT_SAMPLE for seed in seeds for k in range(count)],
    )
    return [min(samples[k : k + count], key=misfit_of) for k in range(0, len(samples), count)]


def misfit_of(lifted: LiftedObject) -> float:
    """Give the misfit of an object that has points."""
    if lifted.misfit is None:
        raise AssertionError("objects with points are judged by them")
    return lifted.misfit


def _finish(
    picture: MaskedPicture,
    mesh: ColouredMesh,
    cam_T_obj: Float[Tensor, "4 4"],
    scale: float,
    predicted: Float[Tensor, "vertex 3"] | None,
    fit: bool,
) -> LiftedObject:
    """Compare the mesh with the visible points, and fit it to them; paint it, from the picture where it is seen."""
    misfit = None
    if picture.points is not None:
        fitter = ShapeFitter(mesh, Evidence.of(picture.points, picture.mask, picture.intrinsics))
        start = cam_T_obj.double().numpy(), scale
        found = fitter.fit(*start) if fit else fitter.judge(*start)
        cam_T_obj, scale, misfit = torch.from_numpy(found.cam_T_obj).to(cam_T_obj), found.scale, found.misfit
    lifted = LiftedObject(mesh, cam_T_obj, scale, picture.support(mesh.vertices, cam_T_obj, scale, NEAR), misfit)
    colours, seen = picture.colours(lifted.in_camera().vertices, NEAR * scale)
    if predicted is None:
        if not bool(seen.any()):
            return lifted
        predicted = colours[seen].mean(0).expand_as(colours)
    return replace(lifted, mesh=coloured(mesh, torch.where(seen[:, None], colours, predicted)))


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
