"""Fit a lifted shape to the points that its picture shows, and to the room that it looks through.

The flow saw the point map through an encoder; here its latent goes back part of the way to noise and comes forward
again, and on every step but the last the shape that the flow expects is pulled onto the evidence: visible points lie on
the surface, and nothing is where the camera sees through or beneath the floor. So the hidden side follows from the seen
one as the flow has learned, and the last step takes away what no shape has.
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

# these were chosen on 40 objects of training families from seed 800,000, with a VAE that decodes distances
ROUNDS = 6  # of fits of shape and pose; two are good, and each further one is better by less
START = 0.6  # time to which a latent goes back: 0 is noise, 1 the shape
STEPS = 5  # of the flow from there
PULLS = 4  # on each of them but the last
RATE = 0.3  # of a pull (Adam), in standard deviations of the latent
FLAT = 1e-3  # gradient below which a pull is weaker in proportion: where nothing is seen, rounding alone would pull
PRIOR = 0.1  # weight of the flow's own expectation
REACH = 0.3  # distance, as the VAE truncates it, up to which a point pulls harder the further away it is (Huber)
CLEARANCE = 0.1  # distance, likewise, that the surface keeps from what must be empty
SLACK = 1.0  # voxels by which a place stands before what is seen, to be seen through; half as many beneath a floor
POINTS = 1000  # visible ones that pull on a shape


@dataclass(frozen=True)
class EvidenceInCube:
    """The evidence of each object of a batch in its cube [-0.5, 0.5]^3, under a pose."""

    points: Float[Tensor, "object point 3"]
    inside: Bool[Tensor, "object point"]  # the cube
    empty: Bool[Tensor, "object x y z"]  # voxels that the camera sees through, or beneath the floor

    @classmethod
    def of(cls, evidence: Sequence[Evidence], fits: Sequence[Fit], side: int, like: Tensor) -> EvidenceInCube:
        """Carry evidence to the cubes, whose grids have `side` voxels along an axis, on the device of `like`."""
        grid = voxel_centres(side, torch.zeros((), dtype=torch.float64))
        centres = rearrange(grid, "x y z c -> (x y z) c").numpy()
        points, empty = [], []
        for seen, fit in zip(evidence, fits, strict=True):
            places = np.linspace(0, len(seen.points) - 1, POINTS).round().astype(int)  # the same number for each object
            points.append(fit.to_cube(seen.points[places]))
            xyz, slack = fit.to_camera(centres), SLACK * fit.scale / side
            empty.append(seen.seen_through(xyz, slack) | seen.beneath(xyz, fit.up, slack * fit.stretch[2] / 2))
        stacked = torch.from_numpy(np.stack(points)).to(like)
        voxels = rearrange(torch.from_numpy(np.stack(empty)), "b (x y z) -> b x y z", x=side, y=side)
        return cls(stacked, (stacked.abs() < 0.5).all(-1), voxels.to(like.device))

    def disagreement(self, distance: Float[Tensor, "object x y z"]) -> Float[Tensor, "object"]:
        """Measure how ill fields (truncated distances, negative inside) agree with the evidence.

        The mean distance from the visible points in the cube to the surface (Huber), plus by how much the fields
        intrude on what is seen through or beneath the floor: summed over voxels, a visible point.
        """
        places = rearrange(2 * self.points.flip(-1), "b p c -> b 1 1 p c")  # last axis first, in [-1, 1]
        at_points = F.grid_sample(distance[:, None], places, padding_mode="border", align_corners=False)[:, 0, 0, 0]
        apart = F.smooth_l1_loss(at_points, torch.zeros_like(at_points), beta=REACH, reduction="none")
        intruding = torch.where(self.empty, F.relu(CLEARANCE - distance), 0.0)
        return (apart * self.inside).sum(1) / self.inside.sum(1).clamp_min(1) + intruding.flatten(1).sum(1) / POINTS


def fit_shapes(
    model: LiftingModel,
    shapes: Float[Tensor, "object token feature"],
    noise: Latents,
    condition: Condition,
    evidence: EvidenceInCube,
) -> Float[Tensor, "object token feature"]:
    """Fit the shape latents of a batch to evidence; objects do not depend on each other.

    Args:
        model: whose flow and VAE are used, as they are.
        shapes: latents to begin with.
        noise: of all latents; the shape goes back into it, and the layout, which no shape reads, stays there.
        condition: what the flow saw of each object.
        evidence: under poses that fit the shapes already.
    """
    latents = {**noise, "shape": (1 - START) * noise["shape"] + START * shapes}
    times = torch.linspace(START, 1, STEPS + 1).tolist()
    for begin, end in pairwise(times):
        expected = expected_latents(model.flow, latents, begin, condition)["shape"]
        if end < 1:
            expected = pulled(model, expected, evidence)
        along = (end - begin) / (1 - begin)
        latents["shape"] = torch.lerp(latents["shape"], expected, along)
    return latents["shape"]


def pulled(
    model: LiftingModel, expected: Float[Tensor, "object token feature"], evidence: EvidenceInCube
) -> Float[Tensor, "object token feature"]:
    """Pull expected shape latents onto evidence, by a few steps of Adam that stay near them."""
    with torch.enable_grad():
        found = expected.detach().clone().requires_grad_(True)
        optimizer = torch.optim.Adam([found], lr=RATE, eps=FLAT)
        for _ in range(PULLS):
            apart = evidence.disagreement(distance_of(model.vae, found))
            strayed = (found - expected).square().flatten(1).mean(1)
            (found.grad,) = torch.autograd.grad((apart + PRIOR * strayed).sum(), found)
            optimizer.step()
    return found.detach()


def distance_of(vae: OccupancyVAE, shapes: Float[Tensor, "object token feature"]) -> Float[Tensor, "object x y z"]:
    """Decode shapes to truncated distances; of a VAE of occupancy alone, 1 - 2 p stands in for them."""
    inside = vae.inside(vae.decode_tokens(shapes))
    return -inside if "distance" in vae.fields else -torch.tanh(inside / 2)
