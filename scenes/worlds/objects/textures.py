"""Procedural textures: which pattern mixes which two colours, in the coordinates of the surface that carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from scenes.worlds.dice import Dice
from scenes.worlds.objects.palette import CEILING, FLOORS, WALLS, Colour, blend
from scenes.worlds.objects.primitives import Vector


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


def random_phase(dice: Dice) -> Vector:
    """Draw where a pattern starts."""
    return (dice.uniform(0.0, 10.0), dice.uniform(0.0, 10.0), dice.uniform(0.0, 10.0))


def object_texture(dice: Dice, colour: Colour, largest: float, patterns: Sequence[str] = OBJECT_PATTERNS) -> Texture:
    """Draw a texture that keeps the colour recognisable, for an object of the given size (metres)."""
    pattern = Pattern[dice.choice(patterns).upper()]
    darker = dice.chance(0.7)
    other = blend(colour, BLACK if darker else WHITE, dice.uniform(0.3, 0.55) if darker else dice.uniform(0.12, 0.3))
    return Texture(colour, other, pattern, dice.uniform(2.0, 4.5) / largest, random_phase(dice))


def floor_texture(dice: Dice) -> Texture:
    """Draw planks, tiles, or a carpet."""
    colour = dice.choice(FLOORS)
    pattern = dice.choice((Pattern.PLANKS, Pattern.PLANKS, Pattern.TILES, Pattern.CHECKER, Pattern.NOISE))
    frequency = dice.uniform(4.0, 7.0) if pattern == Pattern.PLANKS else dice.uniform(1.2, 2.6)
    return Texture(colour, blend(colour, BLACK, dice.uniform(0.35, 0.6)), pattern, frequency, random_phase(dice))


def wall_texture(dice: Dice) -> Texture:
    """Draw paint, plaster, wallpaper, or panels."""
    colour = dice.choice(WALLS)
    pattern = dice.choice((Pattern.PLAIN, Pattern.NOISE, Pattern.NOISE, Pattern.STRIPES, Pattern.TILES))
    return Texture(
        colour, blend(colour, BLACK, dice.uniform(0.08, 0.3)), pattern, dice.uniform(1.0, 2.5), random_phase(dice)
    )


def room_textures(dice: Dice) -> tuple[Texture, ...]:
    """Draw the six surfaces of a room: walls at -x, +x, -y, +y, floor, ceiling."""
    walls = [wall_texture(dice)]
    walls += [wall_texture(dice) if dice.chance(0.3) else walls[0] for _ in range(3)]
    return (*walls, floor_texture(dice), Texture(CEILING, CEILING))
