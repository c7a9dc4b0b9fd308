"""Telling a mask with soft edges from a picture of several labels, by its pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Shaped

NEAR_BLACK, NEAR_WHITE = 16, 239  # of 255: what a JPEG makes of black and white
MANY_SHADES, SMALL_STEP = 32, 4  # a ramp has more shades than this, in steps as small as this


def half(values: Shaped[np.ndarray, "height width"]) -> float:
    """Tell from which value on a pixel is inside: 0.5 of floats, 128 of bytes, 32,768 of larger integers."""
    return 0.5 if values.dtype.kind == "f" else (_white(values) + 1) / 2


def is_soft(values: Shaped[np.ndarray, "height width"]) -> bool:
    """Tell whether integers are shades of one mask, not labels of several objects.

    Labels fill plateaus: pixels whose four neighbours have the same value. Between black and white, a soft edge has
    shades without plateaus, and fewer of them than white; the noise of a lossy format leaves several values next to
    white. A ramp, such as a probability, has many shades in small steps. What is neither holds labels.
    """
    white = _white(values)
    if values.max() > white or values.min() < 0 or values.max() < half(values):
        return False
    shades = (values.astype(np.int64) * 255 // white).astype(np.uint8)
    counts = np.bincount(shades.ravel(), minlength=256)
    plateaus = np.bincount(shades[_flat(values)], minlength=256)
    edge = (counts > 0) & (4 * plateaus <= counts)
    between, near_white = slice(NEAR_BLACK + 1, NEAR_WHITE), slice(NEAR_WHITE, 255)
    sharp = (edge | (counts == 0))[between].all() and 2 * counts[NEAR_WHITE:].sum() >= counts[between].sum()
    if sharp and (edge[between].any() or edge[near_white].sum() >= 3):
        return True
    return bool((counts > 0).sum() > MANY_SHADES and _median_step(shades) <= SMALL_STEP)


def _white(values: np.ndarray) -> int:
    return 255 if values.max() <= 255 else 65535


def _flat(values: np.ndarray) -> Bool[np.ndarray, "height width"]:
    """Mark the pixels whose neighbours, up to four, have their value."""
    flat = np.ones(values.shape, bool)
    below, beside = values[1:] == values[:-1], values[:, 1:] == values[:, :-1]
    flat[1:] &= below
    flat[:-1] &= below
    flat[:, 1:] &= beside
    flat[:, :-1] &= beside
    return flat


def _median_step(shades: np.ndarray) -> float:
    """Measure how far neighbours are apart that differ."""
    steps = np.concatenate([np.abs(np.diff(shades.astype(np.int16), axis=axis)).ravel() for axis in (0, 1)])
    steps = steps[steps > 0]
    return float(np.median(steps)) if len(steps) else 0.0
