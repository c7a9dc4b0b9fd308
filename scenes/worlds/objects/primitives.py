"""The solids that everything is composed of, each in its own frame, centred at its origin."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

Vector = tuple[float, float, float]
Rotation = tuple[Vector, Vector, Vector]  # rows
Axis = Literal["x", "y", "z"]
Tint = Literal["main", "shade", "light", "dark", "steel", "wood"]

# columns are the axes of the primitive, so that its own z points along the named axis
ALONG: dict[Axis, Rotation] = {
    "x": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0)),
    "y": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "z": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
}


class Shape(IntEnum):
    """Kinds of solids, and what their three `size` numbers mean (metres)."""

    BOX = 0  # half extents along x, y, z
    ELLIPSOID = 1  # radii along x, y, z
    FRUSTUM = 2  # radius at -z, radius at +z, half height: a cylinder where equal, a cone where one is 0
    TORUS = 3  # major radius in the xy plane, minor radius, unused


@dataclass(frozen=True, slots=True)
class Primitive:
    """A solid placed in its object's frame: `obj_T_prim` is (rotation, centre)."""

    shape: Shape
    centre: Vector
    size: Vector
    rotation: Rotation = ALONG["z"]
    tint: Tint = "main"

    def moved(self, scale: float, shift: Vector) -> Primitive:
        """Carry by x -> scale * (x + shift)."""
        x, y, z = (scale * (c + s) for c, s in zip(self.centre, shift, strict=True))
        a, b, c = (scale * s for s in self.size)
        return replace(self, centre=(x, y, z), size=(a, b, c))

    def reach(self) -> Vector:
        """Give the half extents of the tight axis-aligned box in the object's frame."""
        a, b, c = self.size
        x, y, z = (self._reach(row, a, b, c) for row in self.rotation)
        return (x, y, z)

    @property
    def radius(self) -> float:
        """Radius of the sphere around its centre that holds it."""
        a, b, c = self.size
        if self.shape == Shape.BOX:
            return math.hypot(a, b, c)
        if self.shape == Shape.ELLIPSOID:
            return max(a, b, c)
        if self.shape == Shape.FRUSTUM:
            return math.hypot(max(a, b), c)
        return a + b

    def _reach(self, row: Vector, a: float, b: float, c: float) -> float:
        """Evaluate the support function of the solid along one axis of the object (a row of obj_R_prim)."""
        flat = math.sqrt(max(0.0, 1 - row[2] ** 2))
        if self.shape == Shape.BOX:
            return abs(row[0]) * a + abs(row[1]) * b + abs(row[2]) * c
        if self.shape == Shape.ELLIPSOID:
            return math.sqrt((row[0] * a) ** 2 + (row[1] * b) ** 2 + (row[2] * c) ** 2)
        if self.shape == Shape.FRUSTUM:
            return abs(row[2]) * c + flat * max(a, b)  # exact for axis-aligned solids and for cylinders
        return flat * a + b


def box(centre: Vector, half: Vector, tint: Tint = "main") -> Primitive:
    """Make a box from its half extents."""
    return Primitive(Shape.BOX, centre, half, tint=tint)


def ellipsoid(centre: Vector, radii: Vector, tint: Tint = "main") -> Primitive:
    """Make an ellipsoid from its radii."""
    return Primitive(Shape.ELLIPSOID, centre, radii, tint=tint)


def sphere(centre: Vector, radius: float, tint: Tint = "main") -> Primitive:
    """Make a sphere."""
    return ellipsoid(centre, (radius, radius, radius), tint)


def frustum(
    centre: Vector, bottom: float, top: float, half_height: float, tint: Tint = "main", axis: Axis = "z"
) -> Primitive:
    """Make a truncated cone from its two radii."""
    return Primitive(Shape.FRUSTUM, centre, (bottom, top, half_height), ALONG[axis], tint)


def cylinder(centre: Vector, radius: float, half_height: float, tint: Tint = "main", axis: Axis = "z") -> Primitive:
    """Make a cylinder."""
    return frustum(centre, radius, radius, half_height, tint, axis)


def cone(centre: Vector, radius: float, half_height: float, tint: Tint = "main", axis: Axis = "z") -> Primitive:
    """Make a cone with its tip at the end of its axis."""
    return frustum(centre, radius, 0.0, half_height, tint, axis)


def torus(centre: Vector, major: float, minor: float, tint: Tint = "main", axis: Axis = "z") -> Primitive:
    """Make a ring around the given axis."""
    return Primitive(Shape.TORUS, centre, (major, minor, 0.0), ALONG[axis], tint)
