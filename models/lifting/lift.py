"""Lifted objects, and the calls that lift one or many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import PointMap, transform_points
from models.lifting.fitting.samples import PosedSample, carve_samples, naming_object, shape_samples
from models.lifting.inputs.crops import ObjectViews
from models.lifting.inputs.masked_picture import MaskedPicture
from models.lifting.judgement import Judgement, judge, judge_hull
from models.lifting.meshes.mesh import ColouredMesh, coloured
from models.lifting.meshes.painting import PhotoTexture, continue_colours, photo_texture, see_vertices
from models.lifting.model import LiftingModel
from models.lifting.options import Sampling

SUPPORT_DISTANCE = 0.05  # of the cube's side: a visible point this near to the surface supports it


@dataclass(frozen=True)
class LiftedObject:
    """A mesh with its pose in the camera.

    `mesh` lies in the object's own frame, the cube [-0.5, 0.5]^3 with z up, without unit. A vertex v of it is at
    R (scale * v) + t of the camera (OpenCV axes, metres), with `cam_T_obj` = (R, t) rigid. Without a point map, pose
    and scale are those of an average scene and not metric.

    `support` is the share of the object's visible points within 5 % of the cube's side of the surface; `residual` is
    the disagreement of mesh and points (`pose_fitting.Fit`). Both are None without a point map. `judgement` says where
    the shape comes from and how far to trust it; `texture` is the photo on the side that it shows.
    """

    mesh: ColouredMesh
    cam_T_obj: Float[Tensor, "4 4"]
    scale: float
    support: float | None
    residual: float | None = None
    judgement: Judgement | None = None
    texture: PhotoTexture | None = None

    @property
    def confidence(self) -> float | None:
        """The expected overlap with the true object, see `Judgement`."""
        return None if self.judgement is None else self.judgement.confidence

    def in_camera(self) -> ColouredMesh:
        """Transform the mesh to the camera frame (OpenCV axes, metres)."""
        vertices = transform_points(self.scale * self.mesh.vertices, self.cam_T_obj)
        return ColouredMesh(vertices, self.mesh.faces, self.mesh.colours)


def lift(
    image: UInt8[Tensor, "3 _ _"],
    mask: Bool[Tensor, "_ _"],
    point_map: PointMap | None = None,
    *,
    intrinsics: Float[Tensor, "3 3"] | None = None,
    model: LiftingModel,
    sampling: Sampling | None = None,
    seed: int = 0,
) -> LiftedObject:
    """Lift one masked object out of a picture; see `lift_many`."""
    return lift_many(
        [image], [mask], [point_map], intrinsics=[intrinsics], model=model, sampling=sampling, seeds=[seed]
    )[0]


@torch.no_grad()
def lift_many(
    images: Sequence[UInt8[Tensor, "3 _ _"]],
    masks: Sequence[Bool[Tensor, "_ _"]],
    point_maps: Sequence[PointMap | None],
    *,
    intrinsics: Sequence[Float[Tensor, "3 3"] | None] | None = None,
    model: LiftingModel,
    sampling: Sampling | None = None,
    seeds: Sequence[int] | None = None,
) -> list[LiftedObject]:
    """Lift many objects, of one picture or of many of any size, through the networks in one batch.

    Args:
        images: the picture of each object.
        masks: the visible pixels of each object.
        point_maps: metric points in the frame "cam" of each picture, or None where there is no depth.
        intrinsics: camera of each picture (pixels), which projects points into it; None for an unknown camera, which is
            fitted to the point map by least squares. Without a point map, the camera lays the mesh on its mask.
        model: the networks, on the device to be used.
        sampling: steps and guidance; None selects the released ones.
        seeds: of each object's noise; the same seed gives the same object, alone or in a batch, up to rounding. Fits
            magnify rounding to a millimetre or two on a metre, and it can decide which sample or fit is kept.

    Raises:
        ValueError: there is no object, a mask is empty or of another size than its picture, a point map is in another
            frame or has no valid point under the mask, a point map that a fit or a selection needs is missing,
            intrinsics are not a pinhole, or no sample of an object has a surface. The message has the object's number.
    """
    sampling = sampling or Sampling()
    seeds = [0] * len(images) if seeds is None else seeds
    if not images or len(seeds) != len(images):
        raise ValueError(f"lifting needs one object or more and a seed for each, got {len(images)} and {len(seeds)}")
    without_points = [k for k, points in enumerate(point_maps) if points is None]
    cameras = [None] * len(images) if intrinsics is None else intrinsics
    if without_points and sampling.fit != "none":
        raise ValueError(
            f"object {without_points[0]}: fits to visible points need a point map; give depth, or set fit to none"
        )
    blind = [k for k in without_points if cameras[k] is None]
    if blind and (sampling.best_of > 1 or sampling.shape != "network"):
        raise ValueError(
            f"object {blind[0]}: the best of several samples, and the shape of what is seen, need depth or a camera; "
            "give intrinsics, or set best_of to 1 and shape to network"
        )
    pictures, prepared = [], []
    for k, (image, mask, points, camera) in enumerate(zip(images, masks, point_maps, cameras, strict=True)):
        with naming_object(k):
            on_cpu = None if points is None else points.to("cpu")  # as meshes are; the views go to the model's device
            intrinsics_on_cpu = None if camera is None else camera.cpu().float()
            pictures.append(MaskedPicture(image.cpu().float() / 255, mask.cpu(), on_cpu, intrinsics_on_cpu))
            sizes = model.image_size, model.conditioner.point_encoder.size
            if sampling.shape == "hull":
                continue
            prepared.append(pictures[-1].views(model.mean_normalizer(), *sizes, model.extent))
    if sampling.shape == "hull":
        distance = float(model.mean_normalizer().shift.norm())
        return [finish_hull(k, picture, distance) for k, picture in enumerate(pictures)]
    views = ObjectViews.concatenate([views for views, _ in prepared]).to(model.device)
    shapes, posed = shape_samples(model, pictures, views, [normalizer for _, normalizer in prepared], sampling, seeds)
    if sampling.fit == "shape":
        posed = carve_samples(model, pictures, shapes, posed)
    lifted = []
    for k, (picture, sample) in enumerate(zip(pictures, posed, strict=True)):
        with naming_object(k):
            lifted.append(finish(picture, *judge(picture, sample, sampling.shape, model.calibration)))
    return lifted


def finish_hull(number: int, picture: MaskedPicture, distance: float) -> LiftedObject:
    """Build and paint what is seen of an object, without any network; errors name the object by its number.

    `distance` is that of an average scene, for a picture without points.
    """
    with naming_object(number):
        return finish(picture, *judge_hull(picture, distance))


def finish(picture: MaskedPicture, posed: PosedSample, judgement: Judgement | None = None) -> LiftedObject:
    """Paint a posed sample: visible vertices from the picture, which is its texture there; others continue them."""
    vertices, scale = posed.fit.stretched(posed.mesh.vertices)
    mesh = ColouredMesh(vertices, posed.mesh.faces, posed.mesh.colours)
    cam_T_obj = torch.from_numpy(posed.fit.cam_T_obj).float()
    support = picture.support(mesh.vertices, cam_T_obj, scale, SUPPORT_DISTANCE)
    residual = None if support is None or np.isnan(posed.fit.residual) else posed.fit.residual
    lifted = LiftedObject(mesh, cam_T_obj, scale, support, residual, judgement)
    if picture.points is None and picture.known_intrinsics is None:
        return lifted
    placed, camera = lifted.in_camera(), picture.intrinsics
    colours, seen = see_vertices(placed, picture, camera, SUPPORT_DISTANCE * scale)
    if not bool(seen.any()):
        return lifted
    painted = coloured(mesh, continue_colours(placed, colours, seen))
    return replace(lifted, mesh=painted, texture=photo_texture(placed, picture, camera, seen))
