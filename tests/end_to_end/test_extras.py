"""Questions and lifts without the extra `train`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCKED = ("lightning", "hydra", "omegaconf", "jinja2")
PROGRAM = f"""
import json, sys
sys.modules.update(dict.fromkeys({BLOCKED}))  # importing one of them fails
from region4d.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["region4d", *words]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
"""
NEARER = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"


def run(folder: Path, *commands: list[str]) -> str:
    """Run commands one after the other in one process, which imports the libraries once."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(commands)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.long
def test_worlds_questions_and_lifts_need_neither_lightning_nor_hydra(tmp_path: Path) -> None:
    room = "rooms/world-6"
    worlds = ["worlds", "--export", "--seed", "6", "--count", "1", "--frames", "4", "--output", "rooms"]
    ask = ["ask", room, "--region", "0:41,33,69,85", "--region", "1:131,92,170,164", NEARER]
    lift = ["lift", room, "--region", "131,92,170,164", "--best-of", "1", "--fit", "none", "-o", "lifted"]
    assert "B" in run(tmp_path, worlds, ask, lift).splitlines()
    assert (tmp_path / "lifted" / "lifted.glb").is_file()
