"""Patterns of textures, evaluated at surface points: the share (0 to 1) of the second colour.

They are made of sines and lattice hashes with soft edges, and depend on the coordinates of the surface alone, so that
they move with it. On walls and floors the first two coordinates lie in the plane.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from scenes.worlds.objects.textures import Pattern

Points = Float[Tensor, "3 point"]
Share = Float[Tensor, "point"]
TURN = 6.2831853


def plain(x: Points) -> Share:
    """Show the first colour alone."""
    return torch.zeros_like(x[0])


def noise(x: Points) -> Share:
    """Warp sines by sines: soft irregular blotches."""
    a = torch.sin(3.1 * x[0] + 1.7 * torch.sin(2.3 * x[1] + 1.1 * x[2]))
    b = torch.sin(2.7 * x[1] + 1.9 * torch.sin(3.3 * x[2] + 0.9 * x[0]))
    c = torch.sin(7.3 * x[2] + 5.9 * x[0] + 1.3 * a) * torch.sin(6.1 * x[1] + 1.1 * b)
    return (0.5 + 0.22 * (a + b) + 0.2 * c).clamp(0, 1)


def checker(x: Points) -> Share:
    """Alternate cubes."""
    return edge(6 * torch.sin(TURN / 2 * x[0]) * torch.sin(TURN / 2 * x[1]) * torch.sin(TURN / 2 * x[2] + 0.3))


def stripes(x: Points) -> Share:
    """Alternate bands across the second and third axis."""
    return edge(3 * torch.sin(TURN * (0.25 * x[0] + 0.6 * x[1] + 0.6 * x[2])))


def grain(x: Points) -> Share:
    """Draw wavy fibres, as of wood."""
    bend = torch.sin(1.9 * x[2] + torch.sin(1.3 * x[0])) + 0.4 * torch.sin(4.1 * x[0] + 2.3 * x[1])
    return 0.5 + 0.5 * torch.sin(9 * x[1] + 7 * x[0] + 1.6 * bend)


def planks(x: Points) -> Share:
    """Lay boards along the first axis: each its own brightness, with fibres and dark joints."""
    row = x[1].floor()
    along = x[0] * 0.22 + lattice(row, row * 0.5)
    own = lattice(row, along.floor())
    fibre = torch.sin(3 * x[0] + 2 * torch.sin(14 * x[1]) + 9 * own) * torch.sin(23 * x[1] + torch.sin(2 * x[0]))
    return (0.12 + 0.5 * own + 0.14 * fibre + 0.5 * joint(x[1], 0.05) + 0.5 * joint(along, 0.012)).clamp(0, 1)


def tiles(x: Points) -> Share:
    """Lay square tiles, each its own brightness, with dark joints."""
    own = lattice(x[0].floor(), x[1].floor())
    return (0.3 * own + 0.7 * torch.maximum(joint(x[0], 0.04), joint(x[1], 0.04))).clamp(0, 1)


def edge(x: Share) -> Share:
    """Map a signed field to 0 or 1 with a soft edge."""
    return (0.5 + x).clamp(0, 1)


def joint(x: Share, half_width: float) -> Share:
    """Mark a line at every integer."""
    away = (x - x.round()).abs()
    return (1.5 - away / half_width).clamp(0, 1)


def lattice(i: Share, j: Share) -> Share:
    """Hash a pair of numbers to [0, 1)."""
    h = torch.sin(12.9898 * i + 78.233 * j) * 437.585
    return h - h.floor()


PATTERNS: dict[Pattern, Callable[[Tensor], Tensor]] = {
    Pattern.PLAIN: plain,
    Pattern.NOISE: noise,
    Pattern.CHECKER: checker,
    Pattern.STRIPES: stripes,
    Pattern.GRAIN: grain,
    Pattern.PLANKS: planks,
    Pattern.TILES: tiles,
}
