"""Footage is prepared once, all or nothing, and continues where it was interrupted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from models.geometry import default_intrinsics, unproject
from models.providers import GeometryEstimate
from region4d.footage import FrameChoice, GeometrySource, open_footage, parse_pointers
from region4d.footage.preparing import CHUNK, prepare_footage
from scenes.readers.open_clip import open_clip
from tests.support.clips.footage import write_footage

FRAMES = CHUNK + 2


class Slope:
    """Estimates a depth that grows with the frame's brightness, and counts the frames; it can fail after some."""

    def __init__(self, joins_frames: bool = False, fails_after: int | None = None) -> None:
        self.joins_frames, self.fails_after, self.seen = joins_frames, fails_after, 0

    def __call__(
        self, video: torch.Tensor, intrinsics: torch.Tensor | None = None, depth: torch.Tensor | None = None
    ) -> GeometryEstimate:
        if self.fails_after is not None and self.seen >= self.fails_after:
            raise KeyboardInterrupt
        self.seen += len(video)
        camera = default_intrinsics(*video.shape[2:], 50).expand(len(video), 3, 3)
        points = unproject(1 + video.float().mean(1) / 255, camera)
        poses = None
        if self.joins_frames:
            poses = torch.eye(4).repeat(len(video), 1, 1)
            poses[:, 0, 3] = torch.arange(len(video)) / 10
        return GeometryEstimate(points, camera, not self.joins_frames, poses, points.valid.float())


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_footage(tmp_path / "a.mp4", range(0, 100 * FRAMES, 100))


def provide(monkeypatch: pytest.MonkeyPatch, provider: Slope) -> Slope:
    monkeypatch.setattr("region4d.footage.geometry.open_provider", lambda *_: provider)
    return provider


def test_all_frames_of_a_plain_video_answer_from_the_prepared_folder(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provide(monkeypatch, Slope(joins_frames=True))
    source = GeometrySource(geometry="views")
    located = prepare_footage(video, tmp_path / "out", FrameChoice(count=4), source)
    again = open_clip(tmp_path / "out")
    assert not again.metric
    torch.testing.assert_close(again.depth, located.clip.depth, rtol=1e-3, atol=0)
    torch.testing.assert_close(again.world_T_cam, located.clip.world_T_cam)
    assert again.seconds.tolist() == pytest.approx(located.clip.seconds.tolist())
    marks = parse_pointers(["0:1,1,9,9", "1:1,1,9,9@3"], [], [])
    footage = open_footage(tmp_path / "out", FrameChoice(count=4), marks, GeometrySource())
    assert (len(footage.clip), footage.relative) == (4, True)
    assert [list(region.masks) for region in footage.regions] == [[0], [3]]
    noted = json.loads((tmp_path / "out" / "geometry.json").read_text())
    assert noted["provider"] == "model views"
    assert noted["provenance"]["geometry"] == {"geometry": "views"}
    assert not (tmp_path / "out.partial").exists()


def test_an_interrupted_preparation_continues(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choice, source, done = FrameChoice(count=FRAMES), GeometrySource(geometry="slope"), []
    provide(monkeypatch, Slope(fails_after=CHUNK))
    with pytest.raises(KeyboardInterrupt):
        prepare_footage(video, tmp_path / "out", choice, source)
    assert not (tmp_path / "out").exists()
    second = provide(monkeypatch, Slope())
    located = prepare_footage(video, tmp_path / "out", choice, source, lambda *step: done.append(step))
    assert second.seen == FRAMES - CHUNK
    assert done == [(CHUNK, FRAMES), (FRAMES, FRAMES)]
    whole = Slope()(located.clip.video)
    assert torch.equal(located.clip.depth, whole.points.xyz[..., 2])
    assert torch.equal(located.clip.confidence, whole.confidence)


def test_other_settings_do_not_take_what_was_stored(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provide(monkeypatch, Slope(fails_after=CHUNK))
    with pytest.raises(KeyboardInterrupt):
        prepare_footage(video, tmp_path / "out", FrameChoice(count=FRAMES), GeometrySource(geometry="slope"))
    other = provide(monkeypatch, Slope())
    prepare_footage(video, tmp_path / "out", FrameChoice(count=FRAMES), GeometrySource(geometry="other"))
    assert other.seen == FRAMES


def test_what_cannot_be_prepared_is_refused(video: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no depth; estimate its geometry by --geometry"):
        prepare_footage(video, tmp_path / "out", FrameChoice(count=2), GeometrySource())
    with pytest.raises(FileExistsError):
        prepare_footage(video, tmp_path, FrameChoice(count=2), GeometrySource())
