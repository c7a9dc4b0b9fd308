"""Where a ray enters each shape, and the normal there: closed form, with Newton steps for the torus.

Rays are o + t d in the frame of the primitive; d has any length. Components come first, so that each is contiguous.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from scenes.worlds.objects.primitives import Shape

TINY = 1e-12  # replaces a zero divisor; quotients by it lie outside any scene
NEWTON_STEPS = 24  # enough for the worst bracket of a torus, where the quartic touches zero

Rays = Float[Tensor, "3 ray"]
Times = Float[Tensor, "ray"]


def nonzero(x: Tensor) -> Tensor:
    """Replace zeros (and values next to zero) by a tiny number, to divide by."""
    return torch.where(x.abs() < TINY, TINY, x)


def nearest_to_centre(o: Rays, d: Rays) -> tuple[Rays, Times, Times]:
    """Move the origin of each ray to its point nearest to the centre: differences of squares then stay exact.

    Returns:
        The new origins, the t that they are at, and d . d.
    """
    square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    shift = -(o[0] * d[0] + o[1] * d[1] + o[2] * d[2]) / square
    return torch.stack([o[0] + shift * d[0], o[1] + shift * d[1], o[2] + shift * d[2]]), shift, square


def enter_box(o: Rays, d: Rays, size: Rays) -> Times:
    """Find the t where rays enter a box, by slabs; infinite where they miss."""
    near = torch.full_like(o[0], -torch.inf)
    far = torch.full_like(o[0], torch.inf)
    for axis in range(3):
        inverse = 1 / nonzero(d[axis])
        middle, half = -o[axis] * inverse, size[axis] * inverse.abs()
        near, far = torch.maximum(near, middle - half), torch.minimum(far, middle + half)
    return torch.where((near <= far) & (near > 0), near, torch.inf)


def enter_ellipsoid(o: Rays, d: Rays, size: Rays) -> Times:
    """Find the t where rays enter an ellipsoid: a unit sphere after division by its radii."""
    o, shift, square = nearest_to_centre(o / size, d / size)
    room = 1 - (o[0] * o[0] + o[1] * o[1] + o[2] * o[2])
    t = shift - (room.clamp(min=0) / square).sqrt()
    return torch.where((room >= 0) & (t > 0), t, torch.inf)


def enter_frustum(o: Rays, d: Rays, size: Rays) -> Times:
    """Find the t where rays enter a truncated cone: its side (a quadratic) or one of its caps."""
    bottom, top, half = size
    o, shift, _ = nearest_to_centre(o, d)
    slope, middle = (top - bottom) / (2 * half), (top + bottom) / 2
    across = middle + slope * o[2]  # radius of the cone at the origin of the ray
    a = d[0] * d[0] + d[1] * d[1] - (slope * d[2]) ** 2
    b = o[0] * d[0] + o[1] * d[1] - slope * d[2] * across
    c = o[0] * o[0] + o[1] * o[1] - across * across
    inner = b * b - a * c
    q = -(b + torch.where(b < 0, -1.0, 1.0) * inner.clamp(min=0).sqrt())
    best = torch.full_like(b, torch.inf)
    for t in (q / nonzero(a), c / nonzero(q)):
        z = o[2] + t * d[2]
        best = torch.where((inner >= 0) & (z.abs() <= half) & (t < best) & (t + shift > 0), t, best)
    # the cap that faces the ray is the only one that it can enter by
    up = d[2] < 0
    t = (torch.where(up, half, -half) - o[2]) / nonzero(d[2])
    x, y = o[0] + t * d[0], o[1] + t * d[1]
    radius = torch.where(up, top, bottom)
    best = torch.where((x * x + y * y <= radius * radius) & (t < best) & (t + shift > 0), t, best)
    return best + shift


def enter_torus(o: Rays, d: Rays, size: Rays) -> Times:
    """Find the t where rays enter a torus, to about 1e-6 of its size.

    Counted from the point nearest to the centre, the surface is the quartic (s^2 + q)^2 = 4 R^2 (x^2 + y^2) without a
    cubic term. Its derivative is a depressed cubic, solved in closed form; between its roots the quartic is
    monotone, so that the first change of sign brackets the entry, and Newton steps kept in the bracket find it.
    """
    o, shift, square = nearest_to_centre(o, d)
    outer = size[0] + size[1]
    room = outer * outer - (o[0] * o[0] + o[1] * o[1] + o[2] * o[2])
    candidate = torch.nonzero((room > 0) & (shift + (room.clamp(min=0) / square).sqrt() > 0))[:, 0]
    rays = torch.cat([o, d / square.sqrt(), size[:2], room[None], (-shift * square.sqrt())[None]])
    ox, oy, oz, dx, dy, _, big, small, room, start = rays.gather(1, candidate.expand(len(rays), -1)).double()
    q = ox * ox + oy * oy + oz * oz + big * big - small * small
    four = 4 * big * big
    a2 = 2 * q - four * (dx * dx + dy * dy)
    a1 = -2 * four * (ox * dx + oy * dy)
    a0 = q * q - four * (ox * ox + oy * oy)

    def quartic(s: Tensor) -> Tensor:
        value: Tensor = ((s * s + a2) * s + a1) * s + a0
        return value

    low, high = torch.maximum(-room.sqrt(), start), room.sqrt()
    knots = torch.stack([low, *depressed_cubic_roots(a2 / 2, a1 / 4), high]).clamp(low, high).sort(0).values
    inside = quartic(knots) <= 0
    first = inside[1:].int().argmax(0)[None]  # the first interval that ends inside
    low, high = knots.gather(0, first)[0], knots.gather(0, first + 1)[0]
    s = (low + high) / 2
    for _ in range(NEWTON_STEPS):
        value = quartic(s)
        low, high = torch.where(value > 0, s, low), torch.where(value > 0, high, s)
        step = s - value / nonzero((4 * s * s + 2 * a2) * s + a1)
        s = torch.where((step > low) & (step < high), step, (low + high) / 2)
    found = torch.where(inside[1:].any(0), s, torch.inf).float()
    result = torch.full_like(shift, torch.inf).index_copy(0, candidate, found)
    return shift + result / square.sqrt()


def depressed_cubic_roots(p: Times, q: Times) -> list[Times]:
    """Solve s^3 + p s + q = 0: three real roots, or one of them three times where the others are complex."""
    delta = (q / 2) ** 2 + (p / 3) ** 3
    far = torch.where(q > 0, -1.0, 1.0) * (q.abs() / 2 + delta.clamp(min=0).sqrt()) ** (1 / 3)
    single = far - p / 3 / nonzero(far)
    radius = (-p / 3).clamp(min=TINY).sqrt()
    angle = (-q / 2 / radius**3).clamp(-1, 1).acos()
    return [torch.where(delta > 0, single, 2 * radius * torch.cos((angle - 2 * math.pi * k) / 3)) for k in range(3)]


def normal_box(x: Rays, size: Rays) -> Rays:
    """Give the normal at surface points of a box: the axis of the face that is nearest."""
    face = (x.abs() - size).argmax(0)
    axis = torch.arange(3, device=x.device)[:, None] == face
    return torch.where(axis, x.sign(), 0.0)


def normal_ellipsoid(x: Rays, size: Rays) -> Rays:
    """Give the normal at surface points of an ellipsoid: its gradient."""
    return unit(x / (size * size))


def normal_frustum(x: Rays, size: Rays) -> Rays:
    """Give the normal at surface points of a truncated cone, side or cap, whichever is nearer."""
    bottom, top, half = size
    slope = (top - bottom) / (2 * half)
    across = (x[0] * x[0] + x[1] * x[1]).sqrt()
    side = ((across - (bottom + top) / 2 - slope * x[2]) / (1 + slope * slope).sqrt()).abs()
    cap = (x[2].abs() - half).abs()
    around = unit(torch.stack([x[0], x[1], -slope * across]))
    zero = torch.zeros_like(across)
    return torch.where(cap < side, torch.stack([zero, zero, x[2].sign()]), around)


def normal_torus(x: Rays, size: Rays) -> Rays:
    """Give the normal at surface points of a torus: away from the nearest point of its ring."""
    across = (x[0] * x[0] + x[1] * x[1]).sqrt().clamp(min=TINY)
    ring = size[0] / across
    return unit(torch.stack([x[0] - ring * x[0], x[1] - ring * x[1], x[2]]))


def unit(x: Rays) -> Rays:
    """Normalise vectors, components first."""
    return x / (x[0] * x[0] + x[1] * x[1] + x[2] * x[2]).sqrt().clamp(min=TINY)


def distance_to_surface(shape: Shape, x: Rays, size: Rays) -> Times:
    """Evaluate a signed distance (metres), negative inside; for ellipsoids and box corners to first order."""
    if shape == Shape.BOX:
        return (x.abs() - size).amax(0)
    if shape == Shape.ELLIPSOID:
        k = (x / size).square().sum(0).sqrt()
        return k * (k - 1) / (x / (size * size)).square().sum(0).sqrt().clamp(min=TINY)
    across = (x[0] * x[0] + x[1] * x[1]).sqrt()
    if shape == Shape.TORUS:
        return ((across - size[0]) ** 2 + x[2] ** 2).sqrt() - size[1]
    slope = (size[1] - size[0]) / (2 * size[2])
    side = (across - (size[0] + size[1]) / 2 - slope * x[2]) / (1 + slope * slope).sqrt()
    return torch.maximum(side, x[2].abs() - size[2])


def inside(shape: Shape, x: Rays, size: Rays) -> Bool[Tensor, "ray"]:
    """Tell which points lie inside a shape, surface included."""
    return distance_to_surface(shape, x, size) <= 0


ENTER: dict[Shape, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    Shape.BOX: enter_box,
    Shape.ELLIPSOID: enter_ellipsoid,
    Shape.FRUSTUM: enter_frustum,
    Shape.TORUS: enter_torus,
}
NORMAL: dict[Shape, Callable[[Tensor, Tensor], Tensor]] = {
    Shape.BOX: normal_box,
    Shape.ELLIPSOID: normal_ellipsoid,
    Shape.FRUSTUM: normal_frustum,
    Shape.TORUS: normal_torus,
}
