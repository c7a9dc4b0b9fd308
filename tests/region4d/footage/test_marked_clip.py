"""Flags become a clip with regions and geometry, the same way for every verb."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from einops import repeat
from PIL import Image

from models.geometry import default_intrinsics, unproject
from models.providers import GeometryEstimate
from region4d.flags import VideoBackend
from region4d.footage import FrameChoice, GeometrySource, marked_clip, open_footage, parse_pointers
from scenes.clip import Clip
from scenes.readers.rgbd import write_rgbd_folder
from scenes.readers.video import BACKENDS
from tests.support.clips.footage import shown_index, write_footage
from tests.support.clips.odd_footage import write_card

CAMERA = torch.tensor([[50.0, 0, 16], [0, 50, 12], [0, 0, 1]])


@pytest.fixture
def clip() -> Clip:
    generator = torch.Generator().manual_seed(0)
    return Clip(
        video=torch.randint(0, 256, (3, 3, 24, 32), generator=generator, dtype=torch.uint8),
        seconds=torch.arange(3.0),
        depth=torch.full((3, 24, 32), 2.0),
        intrinsics=CAMERA.expand(3, 3, 3),
        world_T_cam=torch.eye(4).expand(3, 4, 4),
    )


@pytest.fixture
def room(clip: Clip, tmp_path: Path) -> Path:
    write_rgbd_folder(clip, tmp_path / "room")
    return tmp_path / "room"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_footage(tmp_path / "a.mp4", range(0, 900, 100))


class Plane:
    """Estimates a depth of 3 metres, and counts the frames that it is given."""

    frames = 0
    joins_frames = False

    def __init__(self, name: str, poses: torch.Tensor | None = None, metric: bool = True) -> None:
        self.name, self.poses, self.metric = name, poses, metric
        self.joins_frames = poses is not None

    def to(self, device: object) -> Plane:
        return self

    def __call__(
        self, video: torch.Tensor, intrinsics: torch.Tensor | None = None, depth: torch.Tensor | None = None
    ) -> GeometryEstimate:
        Plane.frames = len(video)
        if intrinsics is None:
            intrinsics = default_intrinsics(*video.shape[2:]).expand(len(video), 3, 3)
        points = unproject(torch.full((len(video), *video.shape[2:]), 3.0), intrinsics)
        return GeometryEstimate(points, intrinsics, self.metric, self.poses)


def boxes(*texts: str) -> list:
    return parse_pointers(texts, [], [])


def test_an_rgbd_folder_brings_its_geometry(room: Path, clip: Clip) -> None:
    footage = open_footage(room, FrameChoice(count=3), boxes("0:1,1,9,9@2"), GeometrySource())
    assert (footage.depth, footage.camera, footage.frame) == ("RGB-D folder", "footage", None)
    assert torch.equal(footage.clip.depth, clip.depth)
    assert list(footage.regions[0].masks) == [2]


def test_a_davis_folder_follows_the_sampled_pictures_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "Annotations").mkdir()
    for frame in range(9):
        Image.new("RGB", (32, 24), (20 * frame,) * 3).save(tmp_path / "JPEGImages" / f"{frame:05d}.jpg")
        index = np.zeros((24, 32), np.uint8)
        index[:, frame], index[:, 31] = 1, 2
        Image.fromarray(index).save(tmp_path / "Annotations" / f"{frame:05d}.png")
    pointers = parse_pointers([], [], [f"0:{tmp_path / 'Annotations'}#1"])
    footage = open_footage(tmp_path / "JPEGImages", FrameChoice(count=3), pointers, GeometrySource(no_depth=True))
    (region,) = footage.regions
    assert {frame: mask.nonzero()[:, 1].unique().tolist() for frame, mask in region.masks.items()} == {
        0: [0],
        1: [4],
        2: [8],
    }
    one = open_footage(tmp_path / "JPEGImages", FrameChoice(index=5), pointers, GeometrySource(no_depth=True))
    assert one.regions[0].masks[0].nonzero()[:, 1].unique().tolist() == [5]


def test_a_davis_folder_follows_the_sampled_frames_of_a_video(video: Path, tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    clip = open_footage(video, FrameChoice(count=2), [], GeometrySource(no_depth=True)).clip
    last = int(clip.frame_names[1])
    assert clip.frame_names[0] == "0"
    Image.fromarray(np.full(clip.size, 255, np.uint8)).save(tmp_path / "masks" / f"{last:05d}.png")
    pointers = parse_pointers([], [], [f"0:{tmp_path / 'masks'}"])
    footage = open_footage(video, FrameChoice(count=2), pointers, GeometrySource(no_depth=True))
    assert list(footage.regions[0].masks) == [1]


def test_flags_take_precedence_over_the_folder(room: Path) -> None:
    given = GeometrySource(depth_scale=500, intrinsics="40,41,15,11")
    footage = open_footage(room, FrameChoice(count=2), [], given)
    assert (footage.clip.depth == 4).all()
    assert footage.camera == "flag"
    assert footage.clip.intrinsics[1].tolist() == [[40, 0, 15], [0, 41, 11], [0, 0, 1]]
    (room / "camera.json").unlink()  # is then not needed
    assert open_footage(room, FrameChoice(count=2), [], given).camera == "flag"


def test_depth_can_be_left_out(room: Path) -> None:
    footage = open_footage(room, FrameChoice(count=2), [], GeometrySource(no_depth=True), default_depth_model="none")
    assert (footage.depth, footage.clip.depth) == (None, None)


def test_one_frame_can_be_named(video: Path) -> None:
    footage = open_footage(video, FrameChoice(index=5), boxes("1,1,9,9"), GeometrySource())
    assert [shown_index(frame) for frame in footage.clip.video] == [5]
    assert (footage.depth, footage.camera) == (None, "assumed")


def test_a_depth_file_belongs_to_one_frame(video: Path, tmp_path: Path) -> None:
    depth = np.full((64, 96), 2.0, np.float32)
    depth[0] = [np.nan, np.inf, -1, 0, *depth[0, 4:]]
    np.save(tmp_path / "depth.npy", depth)
    given = GeometrySource(depth=tmp_path / "depth.npy", fov_deg=70)
    footage = open_footage(video, FrameChoice(index=1), [], given)
    assert footage.clip.depth[0, 0, :5].tolist() == [0, 0, 0, 0, 2]
    torch.testing.assert_close(footage.clip.intrinsics[0], default_intrinsics(64, 96, 70))
    with pytest.raises(ValueError, match="3 frames are used; name it with --frame"):
        open_footage(video, FrameChoice(count=3), [], given)


def test_depth_is_estimated_of_the_marked_frame_where_no_poses_join_frames(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("region4d.footage.geometry.DepthModel", Plane)
    choice, source = FrameChoice(count=3), GeometrySource()
    footage = open_footage(video, choice, boxes("1,1,9,9@2"), source, default_depth_model="plane")
    assert (Plane.frames, footage.frame, footage.depth) == (1, 2, "model plane")
    assert shown_index(footage.clip.video[0]) == 8
    assert list(footage.regions[0].masks) == [0]
    with pytest.raises(ValueError, match=r"frames \[0, 2\], but no camera poses .* --no-depth"):
        open_footage(video, choice, boxes("0:1,1,9,9", "1:1,1,9,9@2"), source, default_depth_model="plane")


def test_a_depth_model_that_is_named_replaces_the_depth_of_a_folder(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("region4d.footage.geometry.DepthModel", Plane)
    footage = open_footage(room, FrameChoice(count=3), [], GeometrySource(depth_model="plane"))
    assert (footage.clip.depth == 3).all()
    assert torch.equal(footage.clip.intrinsics[0], CAMERA)
    kept = open_footage(room, FrameChoice(count=3), [], GeometrySource(), default_depth_model="plane")
    assert (kept.clip.depth == 2).all()


def test_a_provider_with_poses_keeps_all_frames_and_regions_on_any(
    video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poses = torch.eye(4).repeat(3, 1, 1)
    monkeypatch.setattr("region4d.footage.geometry.open_provider", lambda name, *_: Plane(name, poses, metric=False))
    source = GeometrySource(geometry="views")
    footage = open_footage(video, FrameChoice(count=3), boxes("0:1,1,9,9", "1:1,1,9,9@2"), source)
    assert (len(footage.clip), footage.frame, footage.depth, footage.relative) == (3, None, "model views", True)
    assert [list(region.masks) for region in footage.regions] == [[0], [2]]
    assert footage.clip.points().frame == "world"
    lifted = open_footage(video, FrameChoice(count=3), boxes("1,1,9,9@2"), source, one_frame=True)
    assert (len(lifted.clip), lifted.frame, Plane.frames) == (1, 2, 3)  # all frames are estimated, one is kept


def test_a_camera_that_the_provider_does_not_use_is_refused(video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(Plane):
        def __call__(self, video: torch.Tensor, *_: object) -> GeometryEstimate:
            return super().__call__(video)

    monkeypatch.setattr("region4d.footage.geometry.open_provider", lambda name, *_: Own(name))
    with pytest.raises(ValueError, match="estimates the camera itself; leave out --intrinsics and --fov"):
        open_footage(video, FrameChoice(index=0), [], GeometrySource(geometry="own", fov_deg=70))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"depth": Path("a.npy"), "no_depth": True}, "--depth and --no-depth exclude"),
        ({"depth": Path("a.npy"), "depth_model": "x"}, "--depth and --depth-model exclude"),
        ({"geometry": "x", "no_depth": True}, "--geometry and --no-depth exclude"),
        ({"intrinsics": "1,1,1,1", "fov_deg": 60.0}, "--intrinsics and --fov exclude"),
    ],
)
def test_flags_that_exclude_each_other_are_refused(flags: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        GeometrySource(**flags)


def test_a_depth_scale_needs_a_depth(video: Path) -> None:
    with pytest.raises(ValueError, match="--depth-scale needs a depth"):
        open_footage(video, FrameChoice(count=2), [], GeometrySource(depth_scale=1000))


def test_the_backend_of_a_video_is_the_one_that_the_flag_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchcodec.decoders", None)
    path = write_footage(tmp_path / "a.mp4", range(0, 200, 40))
    with pytest.raises(ImportError, match="torchcodec is not installed"):
        open_footage(path, FrameChoice(count=2, backend="torchcodec"), [], GeometrySource())
    assert get_args(VideoBackend) == BACKENDS


def test_large_frames_are_read_smaller_and_flags_count_pixels_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_footage(tmp_path / "a.mp4", range(0, 400, 40))
    monkeypatch.setattr(marked_clip, "MAX_PIXELS", 10 * 32 * 48)
    given = GeometrySource(intrinsics="80,40,48,32", no_depth=True)
    footage = open_footage(path, FrameChoice(count=10), boxes("48,0,96,64"), given)
    assert footage.clip.video.shape == (10, 3, 32, 48)
    assert footage.clip.full_size == (64, 96)
    doubled = repeat(footage.clip.video, "time rgb y x -> time rgb (y b) (x d)", b=2, d=2)
    assert [shown_index(frame) for frame in doubled] == list(range(10))
    mask = footage.regions[0].masks[0]
    assert mask[:, 24:].all()
    assert not mask[:, :24].any()
    assert footage.clip.intrinsics[3].tolist() == [[40, 0, 24], [0, 20, 16], [0, 0, 1]]
    assert "read at 48x32" in footage.notes[0]
    one = open_footage(path, FrameChoice(index=3), boxes("48,0,96,64"), given)
    assert (one.clip.size, one.clip.full_size, one.notes) == ((64, 96), None, [])


def test_regions_and_cameras_count_pixels_that_were_made_square(tmp_path: Path) -> None:
    path = write_card(tmp_path / "a.mp4", aspect=Fraction(4, 3))  # 160 x 120 pixels, shown as 213 x 120
    given = GeometrySource(intrinsics="200,200,106.5,60", no_depth=True)
    footage = open_footage(path, FrameChoice(index=0), boxes("170,0,213,120"), given)
    assert footage.regions[0].masks[0].nonzero()[:, 1].unique().tolist() == list(range(170, 213))
    assert footage.clip.intrinsics[0].tolist() == [[200, 0, 106.5], [0, 200, 60], [0, 0, 1]]
    with pytest.raises(ValueError, match="outside"):
        open_footage(path, FrameChoice(index=0), boxes("214,0,220,120"), given)


def test_another_backend_does_not_read_more_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_footage(tmp_path / "a.mp4", range(0, 400, 40))
    monkeypatch.setattr(marked_clip, "MAX_PIXELS", 10 * 32 * 48)
    with pytest.raises(ValueError, match=r"decord reads 10 frames .* at 96x64 .*use backend pyav"):
        open_footage(path, FrameChoice(count=10, backend="decord"), [], GeometrySource(no_depth=True))
