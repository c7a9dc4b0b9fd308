from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.speed import footage
from benchmarks.speed.footage import Footage, time_footage
from scenes.readers.open_clip import open_clip

VIDEO = Footage("long video", 120, 160, 12, 5)
PICTURES = Footage("many pictures", 120, 160, 3, 4, pictures=True)


def test_inputs_repeat_one_group_of_frames(tmp_path: Path) -> None:
    clip = open_clip(VIDEO.write(tmp_path))
    assert clip.video.shape == (60, 3, 120, 160)
    assert clip.seconds[-1].item() == pytest.approx(59 / 30, abs=1e-3)
    assert (clip.video[:12] == clip.video[48:]).all()
    assert (clip.video[0] != clip.video[6]).any()
    assert len(open_clip(PICTURES.write(tmp_path))) == 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["long_video_(160x120).mp4", "many_pictures_(160x120)"]


@pytest.mark.long
def test_time_and_memory_of_each_process_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "FRAMES", 5)
    time_footage(tmp_path / "footage.json", "command", repeats=1, inputs=(VIDEO, PICTURES))
    record = json.loads((tmp_path / "footage.json").read_text())
    processes = record["config"]["processes"]["long video"]
    assert processes["region4d"]["peak"] > processes["PyAV alone"]["peak"] > 0.02  # GB: one of them imports torch
    assert processes["region4d"]["whole"] > processes["region4d"]["read"] > 0
    rows = (tmp_path / "footage.md").read_text().splitlines()
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["long video", "many pictures", "aim"]


def test_an_input_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with pytest.raises(RuntimeError, match=r"reading .* failed"):
        footage._run(footage.ARMS["PyAV alone"], tmp_path / "a.mp4")
