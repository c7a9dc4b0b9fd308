"""Errors of a depth camera: steps, noise, bled edges, and holes at edges and on dark or oblique surfaces.

Steps and noise are those of a stereo or structured-light camera, whose disparity has a constant error, so that the
error of depth grows with its square; edges are bled by a lateral jitter of the pixels. Source of both models: Handa et
al., A Benchmark for RGB-D Visual Odometry, 3D Reconstruction and SLAM (ICRA 2014), section III.C.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from models.geometry import unproject

JUMP = 0.04  # relative bend of inverse depth that is an edge
OBLIQUE = 0.26  # cosine of 75 degrees, the incidence from which on a surface is lost


@dataclass(frozen=True)
class SensorDepth:
    """A depth camera.

    Args:
        focal_baseline: focal length (pixels of the sensor) times baseline (metres); 43.5 is that of a Kinect.
        steps: disparities that are told apart, of a pixel of the sensor.
        noise: standard deviation of the disparity, pixels of the sensor.
        jitter: standard deviation of where a pixel is read, pixels of the picture.
        edge_holes: share of pixels at edges that are lost.
        dark_holes: share of pixels lost where the picture is black; it falls to 0 at `dark` of full brightness.
        dark: brightness (0 to 1) below which pixels are lost.
        oblique_holes: share of pixels lost where the surface is seen edge-on; it falls to 0 at an incidence of 75 deg.
        patches: largest share of the picture that is lost in patches, for no reason that the picture shows.
        farthest: metres beyond which there is no depth.
    """

    focal_baseline: float = 43.5
    steps: float = 8.0
    noise: float = 0.15
    jitter: float = 0.5
    edge_holes: float = 0.6
    dark_holes: float = 0.8
    dark: float = 0.15
    oblique_holes: float = 0.8
    patches: float = 0.05
    farthest: float = 8.0

    def apply(
        self,
        depth: Float[Tensor, "height width"],
        image: UInt8[Tensor, "3 height width"],
        intrinsics: Float[Tensor, "3 3"],
        generator: torch.Generator,
    ) -> Float[Tensor, "height width"]:
        """Change exact depth (metres, 0 where unknown) into what the camera would read; holes are 0."""
        edge, incidence = at_edges(depth), cosine_of_incidence(depth, intrinsics)
        read = self._quantised(jittered(depth, self.jitter, generator), generator)
        brightness = image.float().mean(0) / 255
        lost = torch.where(edge, self.edge_holes, 0.0)
        lost = torch.maximum(lost, self.dark_holes * (1 - brightness / self.dark).clamp(0, 1))
        lost = torch.maximum(lost, self.oblique_holes * (1 - incidence / OBLIQUE).clamp(0, 1))
        share = self.patches * torch.rand((), generator=generator)
        patch = smooth(depth.shape, 10, generator)
        hole = torch.rand(depth.shape, generator=generator) < lost
        hole |= patch < patch.flatten().quantile(float(share))
        return torch.where(hole | (depth <= 0) | (read > self.farthest), 0.0, read)

    def _quantised(self, depth: Float[Tensor, "height width"], generator: torch.Generator) -> Tensor:
        """Round the noisy disparity to its steps."""
        known = depth > 0
        disparity = self.focal_baseline / torch.where(known, depth, 1.0)
        disparity = disparity + self.noise * torch.randn(depth.shape, generator=generator)
        disparity = ((disparity * self.steps).round() / self.steps).clamp(min=1 / self.steps)
        return torch.where(known, self.focal_baseline / disparity, 0.0)


def at_edges(depth: Float[Tensor, "height width"]) -> Bool[Tensor, "height width"]:
    """Mark both sides of edges: where inverse depth, which is linear in the pixels of a plane, bends by 4 % or more."""
    inverse = torch.where(depth > 0, 1 / depth.clamp(min=1e-6), 0.0)
    padded = F.pad(inverse[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    across = padded[1:-1, 2:] + padded[1:-1, :-2] - 2 * inverse
    along = padded[2:, 1:-1] + padded[:-2, 1:-1] - 2 * inverse
    across[:, [0, -1]], along[[0, -1]] = 0, 0  # there is no neighbour
    return torch.maximum(across.abs(), along.abs()) > JUMP * inverse


def cosine_of_incidence(
    depth: Float[Tensor, "height width"], intrinsics: Float[Tensor, "3 3"]
) -> Float[Tensor, "height width"]:
    """Estimate the cosine between viewing ray and surface normal from neighbouring points; 1 where depth is unknown."""
    points = unproject(depth, intrinsics).xyz
    along, down = points.roll(-1, 1) - points.roll(1, 1), points.roll(-1, 0) - points.roll(1, 0)
    normal = F.normalize(torch.linalg.cross(along, down), dim=-1)
    cosine = (normal * F.normalize(points, dim=-1)).sum(-1).abs()
    return torch.where(depth > 0, cosine, 1.0)


def jittered(
    depth: Float[Tensor, "height width"], deviation: float, generator: torch.Generator
) -> Float[Tensor, "height width"]:
    """Read each pixel a little beside itself, between the four pixels around: depth bleeds across edges."""
    height, width = depth.shape
    offset = deviation * torch.randn(2, height, width, generator=generator)
    row = (torch.arange(height)[:, None] + offset[0]).clamp(0, height - 1)
    col = (torch.arange(width)[None, :] + offset[1]).clamp(0, width - 1)
    grid = torch.stack([2 * col / (width - 1) - 1, 2 * row / (height - 1) - 1], -1)
    read = F.grid_sample(depth[None, None], grid[None], align_corners=True)[0, 0]
    unknown = F.grid_sample((depth <= 0).float()[None, None], grid[None], align_corners=True)[0, 0] > 0
    return torch.where(unknown, depth, read)  # never between a depth and none


def smooth(shape: torch.Size, cells: int, generator: torch.Generator) -> Float[Tensor, "height width"]:
    """Draw a smooth random field."""
    coarse = torch.randn(1, 1, cells, cells, generator=generator)
    return F.interpolate(coarse, size=tuple(shape), mode="bicubic", align_corners=False)[0, 0]
