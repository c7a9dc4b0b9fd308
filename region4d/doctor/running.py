"""Trials in processes of their own, with a time limit: what crashes there is reported here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TRIALS = "region4d.doctor.trials"
AT_ONCE = 2  # trials; each imports large libraries


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: what it found, or why it failed, in one line."""

    works: bool
    detail: str
    facts: dict[str, Any] = field(default_factory=dict)


def run_trials(names: Sequence[str], limit: float) -> Iterator[tuple[str, Outcome]]:
    """Run trials, two at a time, and give each outcome in the order of the names; `limit` is in seconds, of one."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from zip(names, pool.map(lambda name: run_trial(name, limit), names), strict=True)


def run_trial(name: str, limit: float, module: str = TRIALS) -> Outcome:
    """Run one trial and describe how it ended."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-P", "-m", module, name]  # -P: a folder `models` of the user is not ours
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, f"did not end within {limit:g} s")
    if done.returncode < 0:
        return Outcome(False, f"crashed with {signal.Signals(-done.returncode).name}")
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        return Outcome(False, lines[-1] if lines else f"ended with code {done.returncode} and no message")
    try:
        facts = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return Outcome(False, "ended without a result")
    return Outcome(True, facts.pop("detail"), facts)
