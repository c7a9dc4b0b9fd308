"""Procedural textures: which pattern mixes which two colours, in the coordinates of the surface that carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from scenes.worlds.objects.palette import CEILING, FLOORS, WALLS, Colour, blend
from scenes.worlds.objects.primitives import Vector
from scenes.worlds.world_random import WorldRandom


class Pattern(IntEnum):
    """Patterns, evaluated in rendering/patterns.py."""

    PLAIN = 0
    NOISE = 1
    CHECKER = 2
    STRIPES = 3
    GRAIN = 4
    PLANKS = 5
    TILES = 6


@dataclass(frozen=True, slots=True)
class Texture:
    """A mix of two colours: the pattern gives the share of `other` at frequency * x + phase."""

    colour: Colour
    other: Colour
    pattern: Pattern = Pattern.PLAIN
    frequency: float = 1.0  # periods a metre
    phase: Vector = (0.0, 0.0, 0.0)


BLACK: Colour = (0.0, 0.0, 0.0)
WHITE: Colour = (1.0, 1.0, 1.0)
OBJECT_PATTERNS = ("plain", "noise", "checker", "stripes", "grain")


def random_phase(rng: WorldRandom) -> Vector:
    """Draw where a pattern starts."""
    return (rng.uniform(0.0, 10.0), rng.uniform(0.0, 10.0), rng.uniform(0.0, 10.0))


def object_texture(
    rng: WorldRandom, colour: Colour, largest: float, patterns: Sequence[str] = OBJECT_PATTERNS
) -> Texture:
    """Draw a texture that keeps the colour recognisable, for an object of the given size (metres)."""
    pattern = Pattern[rng.choice(patterns).upper()]
    darker = rng.chance(0.7)
    other = blend(colour, BLACK if darker else WHITE, rng.uniform(0.3, 0.55) if darker else rng.uniform(0.12, 0.3))
    return Texture(colour, other, pattern, rng.uniform(2.0, 4.5) / largest, random_phase(rng))


def floor_texture(rng: WorldRandom) -> Texture:
    """Draw planks, tiles, or a carpet."""
    colour = rng.choice(FLOORS)
    pattern = rng.choice((Pattern.PLANKS, Pattern.PLANKS, Pattern.TILES, Pattern.CHECKER, Pattern.NOISE))
    frequency = rng.uniform(4.0, 7.0) if pattern == Pattern.PLANKS else rng.uniform(1.2, 2.6)
    return Texture(colour, blend(colour, BLACK, rng.uniform(0.35, 0.6)), pattern, frequency, random_phase(rng))


def wall_texture(rng: WorldRandom) -> Texture:
    """Draw paint, plaster, wallpaper, or panels."""
    colour = rng.choice(WALLS)
    pattern = rng.choice((Pattern.PLAIN, Pattern.NOISE, Pattern.NOISE, Pattern.STRIPES, Pattern.TILES))
    return Texture(
        colour, blend(colour, BLACK, rng.uniform(0.08, 0.3)), pattern, rng.uniform(1.0, 2.5), random_phase(rng)
    )


def room_textures(rng: WorldRandom) -> tuple[Texture, ...]:
    """Draw the six surfaces of a room: walls at -x, +x, -y, +y, floor, ceiling."""
    walls = [wall_texture(rng)]
    walls += [wall_texture(rng) if rng.chance(0.3) else walls[0] for _ in range(3)]
    return (*walls, floor_texture(rng), Texture(CEILING, CEILING))
