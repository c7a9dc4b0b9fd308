"""Questions and lifts without the extra `train`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCKED = ("lightning", "hydra", "omegaconf", "jinja2")
PROGRAM = f"""
import sys
sys.modules.update(dict.fromkeys({BLOCKED}))  # importing one of them fails
from region4d.cli import main
main()
"""
NEARER = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"


def run(folder: Path, *words: str) -> str:
    command = [sys.executable, "-c", PROGRAM, *words]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_worlds_questions_and_lifts_need_neither_lightning_nor_hydra(tmp_path: Path) -> None:
    run(tmp_path, "worlds", "--export", "--seed", "6", "--count", "1", "--frames", "4", "--output", "rooms")
    regions = ("--region", "0:41,33,69,85", "--region", "1:131,92,170,164")
    assert run(tmp_path, "ask", "rooms/world-6", *regions, NEARER) == "B\n"
    run(
        tmp_path,
        "lift",
        "rooms/world-6",
        "--region",
        "131,92,170,164",
        "--best-of",
        "1",
        "--fit",
        "none",
        "-o",
        "lifted",
    )
    assert (tmp_path / "lifted" / "lifted.glb").is_file()
