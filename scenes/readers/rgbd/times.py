"""Times of frames in text files, and whether they can be seconds."""

from __future__ import annotations

import logging
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from scenes.readers.rgbd.text import numbers, read_table

LATEST = 1e11  # seconds since 1970: the year 5138; the same moment today is 1.7e12 in milliseconds
LONGEST_STEP = 1000.0  # seconds from frame to frame; frames of a video are 16,000 or more apart in microseconds
ODD_STEP = 8.0  # seconds: rather milliseconds (125 frames a second), but a time lapse may have them
log = logging.getLogger(__name__)


def read_seconds(path: Path) -> Float[Tensor, "row"]:
    """Read the times (float64, seconds) that begin the lines of a text file.

    Raises:
        FileNotFoundError: there is no file.
        ValueError: a line does not begin with a number, or the times cannot be seconds.
    """
    rows = read_table(path)
    seconds = numbers([row[0] for row in rows], f"{path} needs a time in seconds at the start of each line")
    check_seconds(seconds, str(path))
    return seconds


def check_seconds(seconds: Float[Tensor, "time"], name: str) -> None:
    """Check that times can be seconds; whole numbers that look like milliseconds are a warning.

    Raises:
        ValueError: they must be milliseconds, microseconds or nanoseconds.
    """
    if not len(seconds):
        return
    latest = float(seconds.abs().max())
    step = float(seconds.diff().abs().median()) if len(seconds) > 1 else 0.0
    if latest > LATEST or step > LONGEST_STEP:
        fits = {unit: latest / n > LATEST / 1000 if latest > LATEST else step / n > 1e-3 for unit, n in _UNITS.items()}
        unit = next((unit for unit, fit in fits.items() if fit), "milliseconds")
        raise ValueError(
            f"{name}: times look like {unit}, not seconds (frames would be {step:,.0f} s apart, up to second "
            f"{latest:.3g}): divide them by {_UNITS[unit]:,.0f}"
        )
    if step > ODD_STEP and bool((seconds == seconds.round()).all()):
        log.warning("%s: frames are %.0f s apart; if the times are in milliseconds, divide them by 1,000", name, step)


_UNITS = {"nanoseconds": 1e9, "microseconds": 1e6, "milliseconds": 1e3}
