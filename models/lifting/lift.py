"""An object lifted out of a picture, and the call that lifts one or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import PointMap, transform_points
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.fitting.samples import Placed, fit_each, named, place, sample_each
from models.lifting.inputs.crops import ObjectViews
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.meshes.mesh import ColouredMesh, coloured
from models.lifting.model import LiftingModel
from models.lifting.networks.refinement import (
    STATE,
    Band,
    densify,
    find_band,
    interpolate_colours,
    sample_refinement,
    with_colours,
)
from models.lifting.options import Sampling

NEAR = 0.05  # of the cube's side: a visible point this close to the surface supports it


@dataclass(frozen=True)
class LiftedObject:
    """A mesh with its pose in the camera.

    `mesh` lies in the object's own frame, the cube [-0.5, 0.5]^3 with z up, without unit. A vertex v of it is at
    R (scale * v) + t of the camera (OpenCV axes, metres), with `cam_T_obj` = (R, t) rigid. Where no point map was
    given, pose and scale are those of an average scene and say nothing of metres.

    `confidence` is the share of the object's visible points that lie within 5 % of the cube's side of the surface; None
    without a point map. `misfit` is how ill mesh and points agree, see `pose_fitting.Fit`; None likewise.
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
        seeds: of each object's noise; the same seed gives the same object, alone or in a batch, up to rounding: fits
            magnify it to a millimetre or two on a metre, and a choice among samples, or whether a fit is kept, can
            hang on it.

    Raises:
        ValueError: there is no object, a mask is empty or of another size than its picture, a point map is in another
            frame or has no valid point under the mask, one is missing where something is fitted or chosen by it, or no
            sample of an object has a surface. The object's place is named.
    """
    sampling = sampling or Sampling()
    seeds = [0] * len(images) if seeds is None else seeds
    if not images or len(seeds) != len(images):
        raise ValueError(f"lifting needs one object or more and a seed for each, got {len(images)} and {len(seeds)}")
    bare = [k for k, points in enumerate(point_maps) if points is None]
    if bare and (sampling.fit != "none" or sampling.best_of > 1):
        raise ValueError(
            f"object {bare[0]}: fits to visible points and the best of several samples need a point map: give depth, "
            "or set fit to none and best_of to 1"
        )
    pictures, prepared = [], []
    for k, (image, mask, points) in enumerate(zip(images, masks, point_maps, strict=True)):
        with named(k):
            on_cpu = None if points is None else points.to("cpu")  # as meshes are; the views go to the model's device
            pictures.append(MaskedPicture(image.cpu().float() / 255, mask.cpu(), on_cpu))
            sizes = model.image_size, model.conditioner.point_encoder.size
            prepared.append(pictures[-1].views(model.mean_normalizer(), *sizes, model.extent))
    views = ObjectViews.concatenate([views for views, _ in prepared]).to(model.device)
    condition = model.conditioner(views)
    normalizers = [normalizer for _, normalizer in prepared]
    shapes, placed = sample_each(model, pictures, normalizers, condition, sampling, seeds)
    if sampling.fit == "shape":
        shapes, placed = fit_each(model, pictures, condition, shapes, placed, seeds)
    paint: Tensor | None = None
    if model.refinement is not None:
        inside = model.vae.inside(model.vae.decode_tokens(shapes))
        band = look(find_band(inside, model.vae.latent(shapes)), pictures, [one.fit for one in placed])
        start = _band_noise(band, seeds)
        state = sample_refinement(model.refinement, start, band, condition.tokens, sampling.refinement_steps)
        inside, paint = densify(state, band, inside)
        placed = [
            place(k, picture, inside[k], one.fit, sampling.fit)
            for k, (picture, one) in enumerate(zip(pictures, placed, strict=True))
        ]
    return [
        _finish(picture, one, None if paint is None else interpolate_colours(paint[k].cpu(), one.mesh.vertices))
        for k, (picture, one) in enumerate(zip(pictures, placed, strict=True))
    ]


def _finish(picture: MaskedPicture, placed: Placed, predicted: Float[Tensor, "vertex 3"] | None) -> LiftedObject:
    """Paint a mesh: from the picture where it is seen, and where not, as predicted or in the mean colour."""
    vertices, scale = placed.fit.stretched(placed.mesh.vertices)
    mesh = ColouredMesh(vertices, placed.mesh.faces, placed.mesh.colours)
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


def look(band: Band, pictures: Sequence[MaskedPicture], fits: Sequence[Fit]) -> Band:
    """Add to the band what each object's picture shows of it."""
    objects, centres = band.fine.objects.cpu(), band.fine.centres().cpu()
    colours, seen = torch.zeros_like(centres), torch.zeros_like(objects, dtype=torch.bool)
    for k, (picture, fit) in enumerate(zip(pictures, fits, strict=True)):
        mine = objects == k
        xyz = torch.from_numpy(fit.to_camera(centres[mine].double().numpy())).to(centres)
        colours[mine], seen[mine] = picture.colours(xyz, NEAR * fit.scale)
    return with_colours(band, colours.to(band.evidence), seen.to(band.evidence.device))


def _band_noise(band: Band, seeds: Sequence[int]) -> Tensor:
    """Draw the noise of each object's voxels from its own seed; voxels are in the order of objects."""
    counts = torch.bincount(band.fine.objects, minlength=len(seeds)).tolist()
    drawn = [
        torch.randn(count, STATE, generator=torch.Generator().manual_seed(seed))
        for count, seed in zip(counts, seeds, strict=True)
    ]
    return torch.cat(drawn).to(band.evidence)
