"""Cached labels in the published form: single frames are read, damage is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

import probes.clips.label_files
from models.geometry import invert, transform_points, unproject
from probes.clips.label_files import LabelFile, write_labels
from probes.clips.labels import labels_from_depth
from tests.support.clips.random_geometry import random_poses

FRAMES, HEIGHT, WIDTH = 9, 6, 8


@pytest.fixture
def clip() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    depth = 1 + torch.rand(FRAMES, HEIGHT, WIDTH, generator=generator)
    intrinsics = torch.tensor([[7.0, 0, 4], [0, 7.5, 3], [0, 0, 1]]).repeat(FRAMES, 1, 1)
    world_T_cam = random_poses(generator, FRAMES)
    return {
        "images": torch.randint(0, 256, (FRAMES, 3, HEIGHT, WIDTH), generator=generator, dtype=torch.uint8),
        "depth": depth,
        "points": transform_points(unproject(depth, intrinsics).xyz, world_T_cam[:, None, None]),
        "confidence": 1 + torch.rand(FRAMES, HEIGHT, WIDTH, generator=generator),
        "intrinsics": intrinsics,
        "world_T_cam": world_T_cam,
    }


@pytest.fixture
def path(clip: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "labels" / "1K-0a1b.safetensors"
    write_labels(path, **clip, start=17)
    return path


def test_files_have_the_published_keys_shapes_and_types(path: Path, clip: dict[str, Any]) -> None:
    found = {key: (tuple(x.shape), x.dtype) for key, x in load_file(path).items()}
    maps = (FRAMES, HEIGHT, WIDTH)
    assert found == {
        "images": ((FRAMES, 3, HEIGHT, WIDTH), torch.uint8),
        "depthmaps": ((*maps, 1), torch.float32),
        "pointmaps": ((*maps, 3), torch.float32),
        "confmaps": ((*maps, 1), torch.float32),
        "intrinsic": ((FRAMES, 3, 3), torch.float32),
        "extrinsic": ((FRAMES, 3, 4), torch.float32),
        "start_idx": ((), torch.int32),
    }
    torch.testing.assert_close(load_file(path)["extrinsic"], invert(clip["world_T_cam"])[:, :3], atol=1e-6, rtol=1e-5)


def test_labels_of_some_frames_are_normalised_to_the_first_of_them(path: Path, clip: dict[str, Any]) -> None:
    file, frames = LabelFile(path), [2, 8, 5]
    assert (len(file), file.size, file.start) == (FRAMES, (HEIGHT, WIDTH), 17)
    read = file.labels(frames)
    need = labels_from_depth(
        clip["depth"][frames], clip["intrinsics"][frames], clip["world_T_cam"][frames], clip["confidence"][frames]
    )
    for part in ("points", "depth", "cam_T_world", "intrinsics", "confidence", "valid"):
        torch.testing.assert_close(getattr(read, part), getattr(need, part), atol=1e-5, rtol=1e-4)
    assert torch.equal(file.images(frames), clip["images"][frames])


def test_a_file_says_what_its_labels_are_of_if_it_was_told(path: Path, clip: dict[str, Any]) -> None:
    assert LabelFile(path).origin is None
    before = load_file(path)
    write_labels(path, **clip, start=17, origin="vggt:VGGT-1B")
    assert LabelFile(path).origin == "vggt:VGGT-1B"
    assert {key: value.tolist() for key, value in load_file(path).items()} == {k: v.tolist() for k, v in before.items()}


def test_a_reader_takes_no_other_frames(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Tensor] = []

    class Recorded:
        """Passes on what an open file gives, and notes it."""

        def __init__(self, *args: Any) -> None:
            self.file = safetensors.safe_open(*args)

        def __enter__(self) -> Recorded:
            self.file.__enter__()
            return self

        def __exit__(self, *args: Any) -> None:
            self.file.__exit__(*args)

        def keys(self) -> list[str]:
            return list(self.file.keys())

        def get_slice(self, key: str) -> Recorded:
            self.slice = self.file.get_slice(key)
            return self

        def get_shape(self) -> list[int]:
            return list(self.slice.get_shape())

        def __getitem__(self, index: Any) -> Tensor:
            taken.append(self.slice[index])
            return taken[-1]

    monkeypatch.setattr(probes.clips.label_files, "safe_open", Recorded)
    LabelFile(path).labels([0, 5])
    assert sum(x.numel() for x in taken) == 2 * (HEIGHT * WIDTH * 5 + 9 + 12)


def test_masks_narrow_what_counts_where_they_are_asked_for(path: Path, clip: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="has no masks"):
        LabelFile(path).labels([0], foreground=True)
    foreground = torch.zeros(FRAMES, HEIGHT, WIDTH, dtype=torch.bool)
    foreground[:, 1:3] = True
    write_labels(path, **clip, foreground=foreground)
    assert tuple(load_file(path)["masks"].shape) == (FRAMES, HEIGHT, WIDTH, 1)
    assert torch.equal(LabelFile(path).labels([4, 0], foreground=True).valid, foreground[[4, 0]])
    assert LabelFile(path).labels([4, 0]).valid.all()


def test_the_first_frame_in_the_video_may_be_left_unsaid(path: Path) -> None:
    tensors = load_file(path)
    del tensors["start_idx"]
    save_file(tensors, path)
    assert LabelFile(path).start == 0


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("key", "has no confmaps: labels need images"),
        ("frames", r"pointmaps has shape \(8, 6, 8, 3\), need \(s, h, w, 3\) with s, h, w = 9, 6, 8 of images"),
        ("size", r"depthmaps has shape \(9, 3, 8, 1\)"),
        ("images", r"images has shape \(9, 6, 8\)"),
        ("extrinsic", r"extrinsic has shape \(9, 4, 4\), need \(s, 3, 4\)"),
        ("cut", "is damaged"),
        ("text", "is damaged"),
    ],
)
def test_a_wrong_file_gives_one_clear_line(path: Path, what: str, message: str) -> None:
    tensors = load_file(path)
    match what:
        case "key":
            del tensors["confmaps"]
        case "frames":
            tensors["pointmaps"] = tensors["pointmaps"][:8].contiguous()
        case "size":
            tensors["depthmaps"] = tensors["depthmaps"][:, :3].contiguous()
        case "images":
            tensors["images"] = tensors["images"][:, 0].contiguous()
        case "extrinsic":
            tensors["extrinsic"] = torch.eye(4).repeat(FRAMES, 1, 1)
    save_file(tensors, path)
    match what:
        case "cut":
            path.write_bytes(path.read_bytes()[:-100])
        case "text":
            path.write_text("these are no labels")
    with pytest.raises(ValueError, match=message) as caught:
        LabelFile(path)
    assert "\n" not in str(caught.value)


def test_frames_that_are_not_there_are_said(path: Path) -> None:
    with pytest.raises(ValueError, match=r"labels of frames 0 to 8, asked for \[9\]"):
        LabelFile(path).labels([0, 9])
    with pytest.raises(ValueError, match="asked for none"):
        LabelFile(path).images([])
    with pytest.raises(FileNotFoundError, match="no labels at"):
        LabelFile(path.with_name("other.safetensors"))


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    path: Path, clip: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(_tensors: Any, draft: Path, _notes: Any) -> None:
        draft.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(probes.clips.label_files, "save_file", full)
    with pytest.raises(OSError, match="cannot write labels to"):
        write_labels(path, **clip)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
