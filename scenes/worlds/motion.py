"""How an object moves over a clip: a path on the floor, and a profile of progress along it.

The length of the path and the angle turned are drawn without looking at the frame interval. Speed then follows from
the timestamps alone, and cannot be guessed from the frames (rgpt4d.md section 7; tiny_4d.md, trap 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from scenes.worlds.world_random import WorldRandom


class FloorPose(NamedTuple):
    """Position on the floor (metres) and heading (radians)."""

    x: float
    y: float
    yaw: float


@dataclass(frozen=True, slots=True)
class Motion:
    """A path of `length` metres with constant curvature, and `spin` radians in place, over progress 0 to 1.

    Progress is a function of normalised time u, from 0 at the first frame to 1 at the last: knots joined by lines
    (stop and go), or `ease` u + (1 - `ease`) u^2 (accelerated where ease < 1, braking where ease > 1).
    """

    kind: str = "rest"
    length: float = 0.0
    heading: float = 0.0  # direction of travel at u = 0
    curvature: float = 0.0  # radians a metre
    spin: float = 0.0
    ease: float = 1.0
    pause: tuple[float, float] | None = None  # rests between these normalised times

    def progress(self, u: float) -> float:
        """Evaluate the share of the path done at normalised time u."""
        if self.pause is None:
            return self.ease * u + (1 - self.ease) * u * u
        stop, go = self.pause
        return (min(u, stop) + max(0.0, u - go)) / (1 - (go - stop))

    def rate(self, u: float) -> float:
        """Evaluate d progress / du; it is 0 at both ends of a pause."""
        if self.pause is None:
            return self.ease + 2 * (1 - self.ease) * u
        stop, go = self.pause
        return 0.0 if stop <= u <= go else 1 / (1 - (go - stop))

    def pose(self, start: FloorPose, u: float) -> FloorPose:
        """Evaluate the pose at normalised time u."""
        p = self.progress(u)
        way, turned = self.length * p, self.curvature * self.length * p
        chord = way if abs(turned) < 1e-9 else way * math.sin(turned / 2) / (turned / 2)
        direction = self.heading + turned / 2
        return FloorPose(
            start.x + chord * math.cos(direction),
            start.y + chord * math.sin(direction),
            start.yaw + turned + self.spin * p,
        )

    @property
    def turn(self) -> float:
        """Total change of heading in radians, counter-clockwise seen from above."""
        return self.curvature * self.length + self.spin


REST = Motion()


def straight(rng: WorldRandom, length: float, heading: float) -> Motion:
    """Move at constant speed."""
    return Motion("straight", length, heading)


def accelerated(rng: WorldRandom, length: float, heading: float) -> Motion:
    """Gain or lose speed steadily."""
    return Motion(
        "accelerated", length, heading, ease=rng.uniform(0.05, 0.5) if rng.chance(0.5) else rng.uniform(1.5, 1.95)
    )


def circular(rng: WorldRandom, length: float, heading: float) -> Motion:
    """Move along an arc of 60 to 240 degrees."""
    return Motion("circular", length, heading, rng.sign() * math.radians(rng.uniform(60.0, 240.0)) / length)


def spinning(rng: WorldRandom, length: float, heading: float) -> Motion:
    """Turn in place."""
    return Motion("spinning", spin=rng.sign() * math.radians(rng.uniform(60.0, 300.0)))


def stop_and_go(rng: WorldRandom, length: float, heading: float) -> Motion:
    """Rest, then move; move, rest, move on; or move, then rest."""
    before = (0.0, rng.uniform(0.2, 0.6))
    between = (rng.uniform(0.2, 0.4), rng.uniform(0.6, 0.8))
    after = (rng.uniform(0.4, 0.8), 1.0)
    return Motion("stop_and_go", length, heading, pause=rng.choice((before, between, after)))


MOTIONS = MappingProxyType(
    {
        "straight": straight,
        "accelerated": accelerated,
        "circular": circular,
        "spinning": spinning,
        "stop_and_go": stop_and_go,
    }
)
