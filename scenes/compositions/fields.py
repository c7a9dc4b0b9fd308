"""Fields of compositions: negative inside, positive outside, and about as large as a distance near the surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import invert, transform_points
from scenes.worlds.objects.primitives import Primitive
from scenes.worlds.objects.solid import obj_T_prim
from scenes.worlds.rendering.intersections import distance_to_surface

Points = Float[Tensor, "point 3"]
Values = Float[Tensor, "point"]


@runtime_checkable
class Field(Protocol):
    """A solid, as a function of points."""

    def __call__(self, points: Points) -> Values:
        """Evaluate at points."""


@dataclass(frozen=True)
class Part:
    """One primitive, with waves of its surface (a height field)."""

    primitive: Primitive
    amplitude: float = 0.0
    frequency: float = 1.0  # of the waves, radians a unit
    phase: float = 0.0

    def __call__(self, points: Points) -> Values:
        """Evaluate at points."""
        local = transform_points(points, invert(obj_T_prim(self.primitive)).to(points))
        size = torch.tensor(self.primitive.size).to(points)[:, None].expand(3, len(points))
        gap = distance_to_surface(self.primitive.shape, local.T, size)
        if not self.amplitude:
            return gap
        x, y, z = (self.frequency * local + self.phase).unbind(-1)
        return gap + self.amplitude * x.sin() * y.sin() * z.sin()


@dataclass(frozen=True)
class Joined:
    """The union of parts, with seams that are rounded over `blend`.

    Source of the rounded minimum: the polynomial one of Quilez, Smooth minimum.
    """

    parts: tuple[Part, ...]
    blend: float = 0.0

    def __call__(self, points: Points) -> Values:
        """Evaluate at points."""
        total = self.parts[0](points)
        for part in self.parts[1:]:
            other = part(points)
            if self.blend:
                close = (self.blend - (total - other).abs()).clamp(min=0) / self.blend
                total = torch.minimum(total, other) - close.square() * self.blend / 4
            else:
                total = torch.minimum(total, other)
        return total


@dataclass(frozen=True)
class Deformed:
    """A field that is twisted about z, bent towards x and tapered along z."""

    field: Field
    twist: float = 0.0  # radians a unit
    bend: float = 0.0  # 1 / radius
    taper: float = 0.0  # relative width a unit

    def __call__(self, points: Points) -> Values:
        """Evaluate at points: where they were before the deformation."""
        x, y, z = points.unbind(-1)
        x = x - self.bend * z.square() / 2
        width = (1 + self.taper * z).clamp(min=0.4)
        cos, sin = (self.twist * z).cos(), (self.twist * z).sin()
        before = torch.stack([(cos * x + sin * y) / width, (cos * y - sin * x) / width, z], -1)
        return self.field(before) * width.clamp(max=1)


@dataclass(frozen=True)
class Hollowed:
    """A shell of the field inwards, cut off above a height: a bowl, a cup, a box."""

    field: Field
    thickness: float
    opening: float  # height where it is cut off

    def __call__(self, points: Points) -> Values:
        """Evaluate at points."""
        outside = self.field(points)
        shell = torch.maximum(outside, -(outside + self.thickness))
        return torch.maximum(shell, points[:, 2] - self.opening)


@dataclass(frozen=True)
class Cut:
    """A field without what lies in the cutters: holes, notches and handles."""

    field: Field
    cutters: tuple[Part, ...]

    def __call__(self, points: Points) -> Values:
        """Evaluate at points."""
        values = self.field(points)
        for cutter in self.cutters:
            values = torch.maximum(values, -cutter(points))
        return values
