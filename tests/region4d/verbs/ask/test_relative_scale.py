"""A depth model without scale gives no metres, neither in an answer nor in a lifted object."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.clips.footage import write_footage
from tests.support.folders.depth_checkpoints import write_depth_model
from tests.support.programs.command_line import Run

METRES = re.compile(r"\d ?(m|mm|cm)\b|\bmet(re|er)s?\b", re.IGNORECASE)


@pytest.fixture
def footage(tmp_path: Path) -> tuple[str, ...]:
    """The words that name a video and a relative depth model."""
    model = write_depth_model("depth_anything-relative", tmp_path / "model")
    return str(write_footage(tmp_path / "a.mp4", range(0, 900, 100))), "--depth-model", str(model)


def test_an_answer_has_no_metres(region4d: Run, footage: tuple[str, ...], tmp_path: Path) -> None:
    words = ("--region", "10,10,60,50", "How far is <region0> from the camera at the start?")
    code, out, err = region4d("ask", *footage, *words, "--picture", str(tmp_path / "ask.png"), "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["scale"] == "relative"
    assert re.fullmatch(r"[\d.]+ relative units", found["answer"])
    assert "has an unknown scale: lengths are in relative units" in err
    assert not METRES.search(found["answer"] + err)


@pytest.mark.long
def test_a_lifted_object_has_no_metres(
    region4d: Run, footage: tuple[str, ...], tmp_path: Path, untrained: Path
) -> None:
    sampling = ("--steps", "2", "--best-of", "1", "--fit", "none")
    words = ("--region", "10,10,60,50", "--model", str(untrained), *sampling, "-o", str(tmp_path / "lifted"))
    code, out, err = region4d("lift", *footage, *words)
    assert code == 0, err
    poses = json.loads((tmp_path / "lifted" / "poses.json").read_text())
    assert poses["units"] == "relative units (the scale is unknown)"
    assert "size, relative" in out
    files = [(tmp_path / "lifted" / name).read_bytes() for name in ("lifted.glb", "lifted.ply")]
    assert all(b"relative units" in data and b"metre" not in data for data in files)
    assert not METRES.search(out + err + json.dumps({**poses, "intrinsics": None}))
