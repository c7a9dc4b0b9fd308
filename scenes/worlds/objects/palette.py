"""Colours with names: what questions ask about, and the quieter colours of rooms and small parts."""

from __future__ import annotations

from types import MappingProxyType

Colour = tuple[float, float, float]  # linear light, 0 to 1


def linear(red: int, green: int, blue: int) -> Colour:
    """Convert display values (0 to 255) to linear light, with the gamma of 2 that shading uses."""
    return ((red / 255) ** 2, (green / 255) ** 2, (blue / 255) ** 2)


def blend(colour: Colour, other: Colour, share: float) -> Colour:
    """Mix two colours in linear light; `share` is that of `other`."""
    r, g, b = ((1 - share) * x + share * y for x, y in zip(colour, other, strict=True))
    return (r, g, b)


PALETTE = MappingProxyType(
    {
        "red": linear(205, 38, 38),
        "orange": linear(240, 125, 22),
        "yellow": linear(242, 214, 48),
        "green": linear(52, 158, 62),
        "cyan": linear(56, 196, 208),
        "blue": linear(40, 78, 205),
        "purple": linear(132, 52, 172),
        "white": linear(240, 240, 236),
    }
)
COLOURS = tuple(PALETTE)

DARK = linear(52, 52, 56)
STEEL = linear(150, 152, 158)
WOOD = linear(150, 104, 66)

WALLS = (
    linear(226, 216, 198),
    linear(206, 214, 216),
    linear(214, 206, 212),
    linear(198, 206, 190),
    linear(224, 206, 188),
    linear(188, 196, 208),
)
FLOORS = (
    linear(172, 128, 88),
    linear(142, 100, 66),
    linear(196, 162, 122),
    linear(150, 146, 140),
    linear(184, 176, 164),
    linear(112, 112, 118),
)
CEILING = linear(238, 236, 230)
