"""Families of objects: what a chair, a lamp or a car is made of. Units are free here; `assemble` sets the size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

from scenes.worlds.objects.primitives import (
    Primitive,
    Tint,
    Vector,
    box,
    cone,
    cylinder,
    ellipsoid,
    frustum,
    sphere,
    torus,
)
from scenes.worlds.world_random import WorldRandom


def chair(rng: WorldRandom) -> list[Primitive]:
    """Build a seat on four legs with a back."""
    w, seat, back = rng.uniform(0.4, 0.55), rng.uniform(0.38, 0.5), rng.uniform(0.4, 0.65)
    leg = rng.uniform(0.025, 0.045)
    legs = [box((x, y, seat / 2), (leg, leg, seat / 2), "wood") for x, y in corners(w / 2 - leg, w / 2 - leg)]
    return [
        *legs,
        box((0.0, 0.0, seat), (w / 2, w / 2, 0.035)),
        box((0.0, w / 2 - 0.03, seat + back / 2), (w / 2, 0.03, back / 2)),
    ]


def table(rng: WorldRandom) -> list[Primitive]:
    """Build a top, round or square, on four legs."""
    w, d, h = rng.uniform(0.8, 1.3), rng.uniform(0.6, 0.9), rng.uniform(0.5, 0.75)
    leg = rng.uniform(0.03, 0.05)
    if rng.chance(0.4):
        return [
            cylinder((0.0, 0.0, h), w / 2, 0.04),
            cylinder((0.0, 0.0, h / 2), 1.6 * leg, h / 2, "shade"),
            frustum((0.0, 0.0, 0.03), w / 3, w / 5, 0.03, "shade"),
        ]
    legs = [cylinder((x, y, h / 2), leg, h / 2, "shade") for x, y in corners(w / 2 - 2 * leg, d / 2 - 2 * leg)]
    return [*legs, box((0.0, 0.0, h), (w / 2, d / 2, 0.04))]


def lamp(rng: WorldRandom) -> list[Primitive]:
    """Build a shade on a stand."""
    h, r = rng.uniform(0.7, 1.2), rng.uniform(0.2, 0.3)
    return [
        frustum((0.0, 0.0, 0.03), 0.8 * r, 0.6 * r, 0.03, "dark"),
        cylinder((0.0, 0.0, h / 2), 0.025, h / 2, "steel"),
        frustum((0.0, 0.0, h), r, rng.uniform(0.4, 0.8) * r, rng.uniform(0.14, 0.2)),
    ]


def mug(rng: WorldRandom) -> list[Primitive]:
    """Build a cup with a ring for a handle."""
    r, h = rng.uniform(0.3, 0.4), rng.uniform(0.35, 0.5)
    return [
        frustum((0.0, 0.0, h), rng.uniform(0.8, 1.0) * r, r, h),
        cylinder((0.0, 0.0, 2 * h), 0.86 * r, 0.004, "dark"),
        torus((r, 0.0, h), 0.55 * h, 0.13 * h, axis="y"),
    ]


def car(rng: WorldRandom) -> list[Primitive]:
    """Build a body, a cabin and four wheels, heading along x."""
    long, wide, r = rng.uniform(0.5, 0.65), rng.uniform(0.22, 0.28), rng.uniform(0.1, 0.14)
    cabin = rng.uniform(0.45, 0.6)
    wheels = [cylinder((x, y, r), r, 0.045, "dark", "y") for x, y in corners(0.62 * long, wide)]
    return [
        *wheels,
        box((0.0, 0.0, r + 0.11), (long, wide, 0.11)),
        box((-0.12 * long, 0.0, r + 0.3), (cabin * long, 0.86 * wide, 0.1), "light"),
        box((-0.12 * long, 0.0, r + 0.415), (cabin * long * 0.95, 0.8 * wide, 0.02)),
    ]


def bottle(rng: WorldRandom) -> list[Primitive]:
    """Build a body with a neck and a cap."""
    r, h, neck = rng.uniform(0.16, 0.24), rng.uniform(0.3, 0.45), rng.uniform(0.05, 0.08)
    return [
        cylinder((0.0, 0.0, h), r, h),
        frustum((0.0, 0.0, 2 * h + 0.1), r, neck, 0.1),
        cylinder((0.0, 0.0, 2 * h + 0.28), neck, 0.1),
        cylinder((0.0, 0.0, 2 * h + 0.4), 1.2 * neck, 0.04, "dark"),
    ]


def tower(rng: WorldRandom) -> list[Primitive]:
    """Build blocks that grow smaller towards the top."""
    parts: list[Primitive] = []
    z, half = 0.0, rng.uniform(0.26, 0.34)
    for level in range(rng.integer(3, 4)):
        h = rng.uniform(0.14, 0.22)
        solid = rng.chance(0.5)
        tint: Tint = "shade" if level % 2 else "main"
        centre = (0.0, 0.0, z + h)
        parts.append(box(centre, (half, half, h), tint) if solid else cylinder(centre, half, h, tint))
        z, half = z + 2 * h, half * rng.uniform(0.7, 0.85)
    return [*parts, cone((0.0, 0.0, z + 0.15), half, 0.15)]


def snowman(rng: WorldRandom) -> list[Primitive]:
    """Build two or three balls with a nose and a hat."""
    parts, z, r = [], 0.0, rng.uniform(0.26, 0.34)
    for _ in range(rng.integer(2, 3)):
        parts.append(sphere((0.0, 0.0, z + r), r))
        top, z, r = (z + r, r), z + 1.75 * r, r * rng.uniform(0.7, 0.8)
    height, last = top
    return [
        *parts,
        cone((last + 0.08, 0.0, height), 0.2 * last, 0.14, "dark", "x"),
        cylinder((0.0, 0.0, height + 0.95 * last), 0.9 * last, 0.015, "dark"),
        cylinder((0.0, 0.0, height + 1.3 * last), 0.55 * last, 0.35 * last, "dark"),
    ]


def house(rng: WorldRandom) -> list[Primitive]:
    """Build walls, a pyramid-like roof, a door and a chimney."""
    w, d, h = rng.uniform(0.3, 0.42), rng.uniform(0.26, 0.36), rng.uniform(0.2, 0.32)
    roof = rng.uniform(0.15, 0.24)
    return [
        box((0.0, 0.0, h), (w, d, h)),
        frustum((0.0, 0.0, 2 * h + roof), 1.25 * max(w, d), 0.0, roof, "shade"),
        box((w, 0.0, 0.55 * h), (0.012, 0.25 * d, 0.55 * h), "wood"),
        box((-0.5 * w, 0.3 * d, 2 * h + roof), (0.05, 0.05, roof), "dark"),
    ]


def robot(rng: WorldRandom) -> list[Primitive]:
    """Build a body with legs, arms, a head and two eyes, facing along x."""
    w, h = rng.uniform(0.18, 0.26), rng.uniform(0.2, 0.3)
    leg, head = rng.uniform(0.14, 0.24), rng.uniform(0.12, 0.16)
    z = 2 * leg + 2 * h
    return [
        box((0.0, -0.55 * w, leg), (0.07, 0.07, leg), "dark"),
        box((0.0, 0.55 * w, leg), (0.07, 0.07, leg), "dark"),
        box((0.0, 0.0, 2 * leg + h), (0.7 * w, w, h)),
        cylinder((0.0, -w - 0.06, 2 * leg + h), 0.05, 0.9 * h, "shade"),
        cylinder((0.0, w + 0.06, 2 * leg + h), 0.05, 0.9 * h, "shade"),
        box((0.0, 0.0, z + head + 0.02), (head, head, head)),
        sphere((head, -0.45 * head, z + 1.2 * head), 0.24 * head, "dark"),
        sphere((head, 0.45 * head, z + 1.2 * head), 0.24 * head, "dark"),
    ]


def tree(rng: WorldRandom) -> list[Primitive]:
    """Build a trunk under two or three cones."""
    trunk, r = rng.uniform(0.1, 0.16), rng.uniform(0.28, 0.38)
    parts = [cylinder((0.0, 0.0, trunk), 0.07, trunk, "wood")]
    z = 2 * trunk
    for _ in range(rng.integer(2, 3)):
        parts.append(cone((0.0, 0.0, z + 0.2), r, 0.2))
        z, r = z + 0.24, 0.78 * r
    return parts


def rocket(rng: WorldRandom) -> list[Primitive]:
    """Build a body with a nose and four fins."""
    r, h = rng.uniform(0.15, 0.2), rng.uniform(0.35, 0.5)
    return [
        cylinder((0.0, 0.0, h + 0.1), r, h),
        cone((0.0, 0.0, 2 * h + 0.28), r, 0.18, "shade"),
        frustum((0.0, 0.0, 0.05), 0.75 * r, 0.5 * r, 0.05, "dark"),
        box((0.0, 0.0, 0.22), (2 * r, 0.02, 0.16), "shade"),
        box((0.0, 0.0, 0.22), (0.02, 2 * r, 0.16), "shade"),
        torus((0.0, 0.0, 1.5 * h), 0.95 * r, 0.035, "steel"),
    ]


def stool(rng: WorldRandom) -> list[Primitive]:
    """Build a cushion on three or four legs held by a ring."""
    r, h = rng.uniform(0.2, 0.28), rng.uniform(0.4, 0.65)
    legs = [cylinder((x, y, h / 2), 0.025, h / 2, "wood") for x, y in corners(0.6 * r, 0.6 * r)]
    return [
        *legs,
        torus((0.0, 0.0, 0.35 * h), 0.85 * r, 0.02, "wood"),
        ellipsoid((0.0, 0.0, h), (r, r, rng.uniform(0.06, 0.1))),
    ]


def cabinet(rng: WorldRandom) -> list[Primitive]:
    """Build a box with drawers and knobs, facing along x."""
    w, d, h = rng.uniform(0.24, 0.4), rng.uniform(0.18, 0.26), rng.uniform(0.3, 0.45)
    count = rng.integer(2, 3)
    parts = [box((0.0, 0.0, h + 0.04), (d, w, h)), box((0.0, 0.0, 0.02), (0.9 * d, 0.9 * w, 0.03), "dark")]
    for k in range(count):
        z = 0.04 + 2 * h * (k + 0.5) / count
        parts.append(box((d, 0.0, z), (0.015, 0.9 * w, 0.84 * h / count), "light"))
        parts.append(sphere((d + 0.03, 0.0, z), 0.025, "dark"))
    return parts


def mushroom(rng: WorldRandom) -> list[Primitive]:
    """Build a stem under a flat cap."""
    h, r = rng.uniform(0.16, 0.26), rng.uniform(0.28, 0.38)
    return [
        frustum((0.0, 0.0, h), rng.uniform(0.1, 0.14), 0.08, h, "light"),
        ellipsoid((0.0, 0.0, 2 * h), (r, r, rng.uniform(0.45, 0.7) * r)),
    ]


def rings(rng: WorldRandom) -> list[Primitive]:
    """Build the toy of rings stacked on a peg."""
    parts, z, r = [cylinder((0.0, 0.0, 0.03), 0.3, 0.03, "wood")], 0.06, rng.uniform(0.24, 0.3)
    for k in range(rng.integer(3, 4)):
        minor = rng.uniform(0.07, 0.09)
        parts.append(torus((0.0, 0.0, z + minor), r - minor, minor, "shade" if k % 2 else "main"))
        z, r = z + 1.9 * minor, 0.86 * r
    return [*parts, cylinder((0.0, 0.0, z / 2 + 0.06), 0.05, z / 2 + 0.06, "wood"), sphere((0.0, 0.0, z + 0.14), 0.07)]


def corners(x: float, y: float) -> list[tuple[float, float]]:
    """List the four corners (+-x, +-y)."""
    return [(x, y), (x, -y), (-x, y), (-x, -y)]


BUILDERS: tuple[Callable[[WorldRandom], list[Primitive]], ...] = (
    *(chair, table, lamp, mug, car, bottle, tower, snowman),
    *(house, robot, tree, rocket, stool, cabinet, mushroom, rings),
)
FAMILIES = MappingProxyType({build.__name__: build for build in BUILDERS})
NATURAL_SIZES = MappingProxyType(  # metres, the largest side: furniture, and toys
    {
        **{"chair": 0.95, "table": 1.15, "lamp": 1.3, "mug": 0.25, "car": 0.6, "bottle": 0.35, "tower": 0.7},
        **{"snowman": 0.75, "house": 0.55, "robot": 0.6, "tree": 1.0, "rocket": 0.85, "stool": 0.5, "cabinet": 0.8},
        **{"mushroom": 0.3, "rings": 0.4},
    }
)


def assemble(parts: Sequence[Primitive], largest: float) -> tuple[tuple[Primitive, ...], Vector]:
    """Scale and centre parts so that their tight box has `largest` (metres) as its largest side.

    Returns:
        The parts, in a frame whose origin is the centre of the box, and the full extents of the box.
    """
    reach = [part.reach() for part in parts]
    low = [min(p.centre[i] - r[i] for p, r in zip(parts, reach, strict=True)) for i in range(3)]
    high = [max(p.centre[i] + r[i] for p, r in zip(parts, reach, strict=True)) for i in range(3)]
    scale = largest / max(b - a for a, b in zip(low, high, strict=True))
    shift = (-(low[0] + high[0]) / 2, -(low[1] + high[1]) / 2, -(low[2] + high[2]) / 2)
    size = (scale * (high[0] - low[0]), scale * (high[1] - low[1]), scale * (high[2] - low[2]))
    return tuple(part.moved(scale, shift) for part in parts), size
