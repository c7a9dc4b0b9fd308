"""Fit a lifted shape to the points that its picture shows, and to the space that the picture shows to be empty.

The latent of a shape goes back part of the way to noise and forward again. At every step but the last, gradient steps
move the shape that the flow expects onto the evidence: visible points lie on the surface, and nothing fills the free
space before the observed depth or the space below the floor. The flow completes the hidden side accordingly, and its
last step removes what no shape has.
Source: hard data consistency on the expected latent, ReSample (arXiv 2307.08123, section 3.2); the start half-way,
SDEdit (arXiv 2108.01073). SAM 3D has no counterpart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import voxel_centres
from models.lifting.fitting.pose_fitting import Fit
from models.lifting.flow_matching.sampler import expected_latents
from models.lifting.inputs.evidence import Evidence
from models.lifting.model import LiftingModel
from models.lifting.networks.conditioning import Condition
from models.lifting.networks.flow_transformer import Latents
from models.lifting.networks.occupancy_vae import OccupancyVAE

# chosen on 40 objects of training families from seed 800,000, with a VAE that decodes distances
ROUNDS = 6  # of shape and pose fits in turn; two are good, and each further one gains less
START_TIME = 0.6  # to which a latent goes back: 0 is noise, 1 the shape
FLOW_STEPS = 5  # from there to 1
GUIDANCE_STEPS = 4  # of Adam, at each flow step but the last
GUIDANCE_RATE = 0.3  # learning rate, in standard deviations of the latent
GRADIENT_FLOOR = 1e-3  # Adam's epsilon: without evidence, rounding alone would move the latent
PRIOR_WEIGHT = 0.1  # of the shape that the flow expects
HUBER_DELTA = 0.3  # truncated distance above which the loss of a point grows linearly
CLEARANCE = 0.1  # truncated distance that the surface keeps from space that must be empty
FREE_SPACE_MARGIN = 1.0  # voxels before the observed depth from which space is free; half as many below a floor
POINTS_PER_OBJECT = 1000  # visible points that guide a shape


@dataclass(frozen=True)
class EvidenceInCube:
    """The evidence of each object of a batch in its cube [-0.5, 0.5]^3, under a pose."""

    points: Float[Tensor, "object point 3"]
    inside: Bool[Tensor, "object point"]  # the cube
    empty: Bool[Tensor, "object x y z"]  # voxels in free space or below the floor

    @classmethod
    def of(cls, evidence: Sequence[Evidence], fits: Sequence[Fit], side: int, like: Tensor) -> EvidenceInCube:
        """Transform evidence to the cubes, with grids of `side` voxels along an axis, on the device of `like`."""
        grid = voxel_centres(side, torch.zeros((), dtype=torch.float64))
        centres = rearrange(grid, "x y z c -> (x y z) c").numpy()
        points, empty = [], []
        for observed, fit in zip(evidence, fits, strict=True):
            # the same number of points for each object
            indices = np.linspace(0, len(observed.points) - 1, POINTS_PER_OBJECT).round().astype(int)
            points.append(fit.to_cube(observed.points[indices]))
            xyz, margin = fit.to_camera(centres), FREE_SPACE_MARGIN * fit.scale / side
            below = observed.below_floor(xyz, fit.up, margin * fit.stretch[2] / 2)
            empty.append(observed.in_free_space(xyz, margin) | below)
        stacked = torch.from_numpy(np.stack(points)).to(like)
        voxels = rearrange(torch.from_numpy(np.stack(empty)), "b (x y z) -> b x y z", x=side, y=side)
        return cls(stacked, (stacked.abs() < 0.5).all(-1), voxels.to(like.device))

    def disagreement(self, distance: Float[Tensor, "object x y z"]) -> Float[Tensor, "object"]:
        """Measure the disagreement of fields (truncated distances, negative inside) with the evidence.

        The sum of the mean Huber distance from the visible points in the cube to the surface, and of the depth by which
        the fields intrude on space that must be empty, summed over voxels and divided by the number of points.
        """
        grid = rearrange(2 * self.points.flip(-1), "b p c -> b 1 1 p c")  # last axis first, in [-1, 1]
        at_points = F.grid_sample(distance[:, None], grid, padding_mode="border", align_corners=False)[:, 0, 0, 0]
        residual = F.smooth_l1_loss(at_points, torch.zeros_like(at_points), beta=HUBER_DELTA, reduction="none")
        intrusion = torch.where(self.empty, F.relu(CLEARANCE - distance), 0.0).flatten(1).sum(1)
        return (residual * self.inside).sum(1) / self.inside.sum(1).clamp_min(1) + intrusion / POINTS_PER_OBJECT


def fit_shapes(
    model: LiftingModel,
    shapes: Float[Tensor, "object token feature"],
    noise: Latents,
    condition: Condition,
    evidence: EvidenceInCube,
    guidance_steps: int = GUIDANCE_STEPS,
) -> Float[Tensor, "object token feature"]:
    """Fit the shape latents of a batch to evidence; objects do not depend on each other.

    Args:
        model: flow and VAE; neither is changed.
        shapes: initial latents.
        noise: of all latents; the shape is mixed with it, and the layout, which no shape reads, stays noise.
        condition: of the flow, for each object.
        evidence: under poses that already fit the shapes.
        guidance_steps: of Adam at each flow step but the last; 0 resamples the shapes without evidence.
    """
    latents = {**noise, "shape": (1 - START_TIME) * noise["shape"] + START_TIME * shapes}
    times = torch.linspace(START_TIME, 1, FLOW_STEPS + 1).tolist()
    for begin, end in pairwise(times):
        expected = expected_latents(model.flow, latents, begin, condition)["shape"]
        if end < 1:
            expected = guidance_step(model, expected, evidence, guidance_steps)
        along = (end - begin) / (1 - begin)
        latents["shape"] = torch.lerp(latents["shape"], expected, along)
    return latents["shape"]


def guidance_step(
    model: LiftingModel, expected: Float[Tensor, "object token feature"], evidence: EvidenceInCube, steps: int
) -> Float[Tensor, "object token feature"]:
    """Move expected shape latents towards the evidence by a few steps of Adam, with a prior that keeps them near."""
    with torch.enable_grad():
        moved = expected.detach().clone().requires_grad_(True)
        optimizer = torch.optim.Adam([moved], lr=GUIDANCE_RATE, eps=GRADIENT_FLOOR)
        for _ in range(steps):
            disagreement = evidence.disagreement(decode_distance(model.vae, moved))
            deviation = (moved - expected).square().flatten(1).mean(1)
            (moved.grad,) = torch.autograd.grad((disagreement + PRIOR_WEIGHT * deviation).sum(), moved)
            optimizer.step()
    return moved.detach()


def decode_distance(vae: OccupancyVAE, shapes: Float[Tensor, "object token feature"]) -> Float[Tensor, "object x y z"]:
    """Decode shapes to truncated distances; a VAE of occupancy alone gives 1 - 2 p instead."""
    inside = vae.inside(vae.decode_tokens(shapes))
    return -inside if "distance" in vae.fields else -torch.tanh(inside / 2)
