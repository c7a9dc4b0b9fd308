"""kill -9 at random moments: nothing half is left under a final name, and the same command gives the same bytes."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.support.faults.workshop import Workshop

MOMENTS = {
    "worlds": 3, "prepare": 3, "train": 3, "extract": 3, "bench": 3, "target cache": 2, "compare": 2, "study lift": 1
}  # fmt: skip
CASES = [
    pytest.param(name, moment, marks=[] if (name, moment) == ("prepare", 0) else pytest.mark.slow)
    for name, moments in MOMENTS.items()
    for moment in range(moments)
]


@pytest.mark.parametrize(("name", "moment"), CASES)
def test_a_killed_command_continues_to_the_same_bytes(
    name: str, moment: int, workshop: Workshop, tmp_path: Path
) -> None:
    _, seconds = workshop.undisturbed(name)
    delay = seconds * random.Random(f"{name} {moment}").uniform(0.1, 0.9)
    for attempt in range(6):
        folder = tmp_path / str(attempt)
        running = workshop.start(name, folder)
        time.sleep(delay / 2**attempt)
        if running.runs:
            running.signal(signal.SIGKILL)
        ended = running.wait()
        if ended.code:  # else it had just finished
            break
    assert ended.code == -signal.SIGKILL
    workshop.survived("kill -9 at a random moment", name, ended, folder)
