"""Fit a lifted shape to the points that its picture shows, and to the room that it looks through.

The flow saw the point map through an encoder; here its latent goes back part of the way to noise and comes forward
again, and on every step but the last the shape that the flow expects is pulled onto the evidence: visible points lie on
the surface, and nothing is where the camera sees through. So the hidden side follows from the seen one as the flow has
learned, and the last step takes away what no shape has.
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
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import voxel_centres
from models.lifting.conditioning import Condition
from models.lifting.evidence import Evidence
from models.lifting.flow_transformer import Latents
from models.lifting.model import LiftingModel
from models.lifting.pose_fitting import Fit
from models.lifting.sampler import expected_latents

# these were chosen on 48 objects of training families from seed 800,000
START = 0.6  # time to which a latent goes back: 0 is noise, 1 the shape
STEPS = 5  # of the flow from there
PULLS = 4  # on each of them
RATE = 0.1  # of a pull (Adam), in standard deviations of the latent
PRIOR = 0.1  # weight of the flow's own expectation
REACH = 0.3  # distance, as the VAE truncates it, up to which a point pulls harder the further away it is (Huber)
CLEARANCE = 0.1  # distance, likewise, that the surface keeps from what is seen through
SLACK = 1.0  # voxels by which a place stands before what is seen, to be seen through
POINTS = 1000  # visible ones that pull on a shape


@dataclass(frozen=True)
class EvidenceInCube:
    """The evidence of each object of a batch in its cube [-0.5, 0.5]^3, under a pose."""

    points: Float[Tensor, "object point 3"]
    inside: Bool[Tensor, "object point"]  # the cube
    empty: Bool[Tensor, "object x y z"]  # voxels that the camera sees through

    @classmethod
    def of(cls, evidence: Sequence[Evidence], fits: Sequence[Fit], side: int, device: torch.device) -> EvidenceInCube:
        """Carry evidence to the cubes, whose grids have `side` voxels along an axis."""
        centres = voxel_centres(side, torch.zeros((), dtype=torch.float64)).reshape(-1, 3).numpy()
        points, empty = [], []
        for seen, fit in zip(evidence, fits, strict=True):
            places = np.linspace(0, len(seen.points) - 1, POINTS).round().astype(int)  # the same number for each object
            points.append((seen.points[places] - fit.cam_T_obj[:3, 3]) @ fit.cam_T_obj[:3, :3] / fit.scale)
            xyz = fit.scale * centres @ fit.cam_T_obj[:3, :3].T + fit.cam_T_obj[:3, 3]
            empty.append(seen.seen_through(xyz, SLACK * fit.scale / side).reshape(side, side, side))
        stacked = torch.from_numpy(np.stack(points)).float().to(device)
        return cls(stacked, (stacked.abs() < 0.5).all(-1), torch.from_numpy(np.stack(empty)).to(device))

    def misfit(self, distance: Float[Tensor, "object x y z"]) -> Float[Tensor, "object"]:
        """Measure how ill fields (truncated distances, negative inside) agree with the evidence.

        The mean distance from the visible points to the surface (Huber), plus by how much the fields intrude on what is
        seen through, summed over voxels and divided by the number of points.
        """
        places = 2 * self.points.flip(-1)[:, None, None]  # grid_sample wants the last axis first, in [-1, 1]
        at_points = F.grid_sample(distance[:, None], places, align_corners=False)[:, 0, 0, 0]
        apart = F.smooth_l1_loss(at_points, torch.zeros_like(at_points), beta=REACH, reduction="none")
        intruding = torch.where(self.empty, F.relu(CLEARANCE - distance), 0.0)
        count = self.inside.sum(1).clamp_min(1)
        return (apart * self.inside).sum(1) / count + intruding.flatten(1).sum(1) / count


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
        noise: of all latents, into which they go back.
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
        optimizer = torch.optim.Adam([found], lr=RATE)
        for _ in range(PULLS):
            misfit = evidence.misfit(-model.vae.inside(model.vae.decode_tokens(found)))
            strayed = (found - expected).square().flatten(1).mean(1)
            (found.grad,) = torch.autograd.grad((misfit + PRIOR * strayed).sum(), found)
            optimizer.step()
    return found.detach()
