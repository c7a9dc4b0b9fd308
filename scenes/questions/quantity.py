"""Measured values with their unit."""

from __future__ import annotations

from typing import Literal

from models.spoken_numbers import format_number

Unit = Literal["m", "m/s", "s", "degrees"]
UNITS: tuple[Unit, ...] = ("m", "m/s", "s", "degrees")


def format_quantity(value: float, unit: Unit) -> str:
    """Write a value with its unit: "1.4 m"."""
    return f"{format_number(value)} {unit}"
