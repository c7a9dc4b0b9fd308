"""The second flow: signed distance at twice the resolution, and colour, on the voxels near the first flow's surface."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn

from models.heads.block import mlp
from models.lifting.networks.flow_transformer import FREQUENCIES, CrossAttention, embed_number, zero
from models.lifting.networks.sparse_voxels import SparseConv3d, SparseVoxels, near_surface

STATE = 4  # truncated distance (negative inside) and RGB in [-1, 1] of each fine voxel
SEEN = 4  # RGB in [0, 1] where the picture shows the voxel, and whether it does


@dataclass(frozen=True)
class Band:
    """The voxels that are refined: coarse ones near the surface, and their children at twice the resolution.

    `evidence` holds what is known of each child before refinement: the coarse field and latent, interpolated, its
    visible colour with a flag, and its place in the cube.
    """

    coarse: SparseVoxels
    fine: SparseVoxels
    parent: Int64[Tensor, "fine"]
    evidence: Float[Tensor, "fine channel"]


def find_band(
    inside: Float[Tensor, "object x y z"], latent: Float[Tensor, "object channel a b c"], reach: int = 1
) -> Band:
    """Select the voxels near the surface of the decoded field (positive inside), without visible colours.

    Raises ValueError where no object has a surface.
    """
    coarse = SparseVoxels.from_mask(near_surface(inside, reach))
    if not len(coarse):
        raise ValueError("refinement needs a surface, but no decoded field changes its sign; train the model first")
    fine, parent = coarse.children()
    # tanh gives distances and logits a common range and keeps their sign
    layers = torch.cat([_enlarge(inside[:, None].tanh(), fine.side), _enlarge(latent, fine.side)], 1)
    unseen = layers.new_zeros(len(fine), SEEN)
    return Band(coarse, fine, parent, torch.cat([fine.gather(layers), fine.centres().to(layers), unseen], -1))


def with_colours(band: Band, colours: Float[Tensor, "fine 3"], seen: Bool[Tensor, "fine"]) -> Band:
    """Add the visible colours of the fine voxels (`visible_colours` of their centres in the camera)."""
    shown = torch.cat([torch.where(seen[:, None], colours, 0.0), seen[:, None].to(colours)], -1)
    return Band(band.coarse, band.fine, band.parent, torch.cat([band.evidence[:, :-SEEN], shown], -1))


class RefinementFlow(nn.Module):
    """Predict the velocity of fine voxels: sparse convolutions on them, and on their parents with the condition.

    Down to the parents and up again with a skip, as the input and output blocks of SAM 3D's second flow; its full
    attention among voxels is left out, since the condition is read by each parent.
    Source: specs/sam3d.md 2.6 and 7.1.

    Args:
        latent_channels: channels of the shape latent.
        width: channels of a fine voxel; a parent has twice as many.
        depth: blocks on the parents.
        heads: heads of the attention to the condition.
        context_width: channels of the condition's tokens.
    """

    def __init__(
        self,
        *,
        latent_channels: int = 8,
        width: int = 32,
        depth: int = 3,
        heads: int = 4,
        context_width: int = 128,
    ) -> None:
        super().__init__()
        self.embed = nn.Linear(STATE + 1 + latent_channels + 3 + SEEN, width)
        self.time = mlp(2 * FREQUENCIES, 2 * width, 2 * width)
        self.down, self.up = (SparseBlock(width, 2 * width) for _ in range(2))
        self.to_parent, self.to_child = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.blocks = nn.ModuleList([SparseBlock(2 * width, 2 * width) for _ in range(depth)])
        self.norms = nn.ModuleList([nn.LayerNorm(2 * width) for _ in range(depth)])
        self.reads = nn.ModuleList([CrossAttention(2 * width, context_width, heads) for _ in range(depth)])
        self.norm, self.out = nn.LayerNorm(width), zero(nn.Linear(width, STATE))

    def forward(
        self,
        state: Float[Tensor, "fine 4"],
        time: Float[Tensor, "object"],
        band: Band,
        context: Float[Tensor, "object token channel"],
    ) -> Float[Tensor, "fine 4"]:
        """Predict the velocity of each fine voxel's distance and colour; time is 0 (noise) to 1 (data), an object."""
        when = self.time(embed_number(1000 * time))
        fine, coarse = band.fine, band.coarse
        x = self.embed(torch.cat([state, band.evidence], -1))
        x = self.down(x, when, fine)
        total = x.new_zeros(len(coarse), x.shape[-1]).index_add(0, band.parent, x)
        y = self.to_parent(total / 8)
        for block, norm, read in zip(self.blocks, self.norms, self.reads, strict=True):
            y = block(y, when, coarse)
            y = y + _attend(read, norm(y), coarse.objects, context)
        x = x + self.to_child(y)[band.parent]
        velocity: Tensor = self.out(self.norm(self.up(x, when, fine)))
        return velocity


class SparseBlock(nn.Module):
    """Add two sparse convolutions, the first one modulated by time."""

    def __init__(self, width: int, time_width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, elementwise_affine=False), nn.LayerNorm(width)
        self.modulate = nn.Sequential(nn.SiLU(), zero(nn.Linear(time_width, 2 * width)))
        self.conv1, self.conv2 = (SparseConv3d(width, width) for _ in range(2))
        nn.init.zeros_(self.conv2.weight)

    def forward(
        self, features: Float[Tensor, "voxel channel"], when: Float[Tensor, "object time"], voxels: SparseVoxels
    ) -> Float[Tensor, "voxel channel"]:
        """Transform the features of active voxels."""
        shift, scale = self.modulate(when)[voxels.objects].chunk(2, -1)
        x = self.conv1(F.silu(self.norm1(features) * (1 + scale) + shift), voxels)
        output: Tensor = features + self.conv2(F.silu(self.norm2(x)), voxels)
        return output


def refinement_loss(
    predicted: Float[Tensor, "fine 4"], target: Float[Tensor, "fine 4"], coloured: Bool[Tensor, "fine"]
) -> Float[Tensor, ""]:
    """Measure the mean squared error of the velocities: of the distance everywhere, of the colour where it is known."""
    error = (predicted - target).square()
    weight = coloured.to(error)
    colour = (error[:, 1:].mean(-1) * weight).sum() / weight.sum().clamp_min(1)
    return error[:, 0].mean() + colour


@torch.no_grad()
def sample_refinement(
    model: RefinementFlow,
    noise: Float[Tensor, "fine 4"],
    band: Band,
    context: Float[Tensor, "object token channel"],
    steps: int = 25,
) -> Float[Tensor, "fine 4"]:
    """Follow the flow from noise to refined voxels in equal Euler steps; no guidance and no warp, as released."""
    state = noise
    for step in range(steps):
        time = context.new_full((len(context),), step / steps)
        state = state + model(state, time, band, context) / steps
    return state


def densify(
    state: Float[Tensor, "fine 4"], band: Band, inside: Float[Tensor, "object x y z"]
) -> tuple[Float[Tensor, "object a b c"], Float[Tensor, "object 4 a b c"]]:
    """Scatter refined voxels into dense grids of twice the resolution.

    Returns:
        The field, positive inside: minus the refined distance on the band, and the sign of the coarse field beyond it;
        and RGB in [0, 1] with a last channel that is 1 on the band and 0 beyond (`interpolate_colours` reads both).
    """
    coarse = _enlarge(inside[:, None], band.fine.side)
    field = band.fine.scatter(-state[:, :1], torch.where(coarse > 0, 1.0, -1.0).to(state))
    painted = torch.cat([(state[:, 1:].clamp(-1, 1) + 1) / 2, torch.ones_like(state[:, :1])], -1)
    return field[:, 0], band.fine.scatter(painted, coarse.new_zeros(len(coarse), 4, *coarse.shape[2:]))


def interpolate_colours(
    grid: Float[Tensor, "4 x y z"], vertices: Float[Tensor, "vertex 3"]
) -> Float[Tensor, "vertex 3"]:
    """Interpolate RGB at points of the cube from the voxels of the band alone; mid grey where none is near."""
    grid_points = rearrange(2 * vertices.flip(-1), "v k -> 1 v 1 1 k")  # grid_sample wants z first, in [-1, 1]
    sampled = F.grid_sample(grid[None], grid_points.to(grid), align_corners=False)
    colour, weight = sampled[0, :3, :, 0, 0].T, sampled[0, 3:, :, 0, 0].T
    return torch.where(weight > 1e-3, colour / weight.clamp_min(1e-3), 0.5)


def _enlarge(grid: Tensor, side: int) -> Tensor:
    return F.interpolate(grid, size=(side, side, side), mode="trilinear", align_corners=False)


def _attend(read: nn.Module, tokens: Tensor, objects: Tensor, context: Tensor) -> Tensor:
    """Attend from each voxel to its object's condition; voxels are padded to (object, longest) meanwhile."""
    counts = torch.bincount(objects, minlength=len(context))
    first = counts.cumsum(0) - counts
    slot = torch.arange(len(objects), device=objects.device) - first[objects]
    padded = tokens.new_zeros(len(context), int(counts.max()), tokens.shape[-1])
    padded[objects, slot] = tokens
    attended: Tensor = read(padded, context)[objects, slot]
    return attended
