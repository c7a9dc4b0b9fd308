"""Media and regions of a line, as they are on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.clips.footage import shown_index
from training.annotations import parse_line
from training.annotations.files import AnnotationFile
from training.annotations.media import nearest_frames, open_annotation


def test_an_image_has_depth_of_unknown_scale_and_regions(annotated: Path) -> None:
    clip, regions = open_annotation(AnnotationFile(annotated)[0], annotated.parent, 8)
    assert clip is not None
    assert (len(clip), clip.metric, clip.size) == (1, False, (48, 64))
    assert clip.points() is not None
    assert int(regions[0].masks[0].sum()) == 16 * 16
    assert bool(regions[1].masks[0][30, 40])


def test_images_of_two_sizes_are_frames_of_the_first_with_their_times(annotated: Path) -> None:
    clip, (region,) = open_annotation(AnnotationFile(annotated)[1], annotated.parent, 8)
    assert clip is not None
    assert clip.video.shape == (2, 3, 48, 64)
    assert clip.seconds.tolist() == [0.0, 2.5]
    assert sorted(region.masks) == [0, 1]
    rows, cols = region.masks[1].nonzero(as_tuple=True)  # 10 to 30 and 20 to 60 of a frame twice as large
    assert (int(rows.min()), int(rows.max()), int(cols.min()), int(cols.max())) == (5, 14, 10, 29)


def test_frames_of_a_video_are_those_at_the_times(annotated: Path) -> None:
    clip, (region,) = open_annotation(AnnotationFile(annotated)[2], annotated.parent, 8)
    assert clip is not None
    assert [shown_index(frame) for frame in clip.video] == [0, 2]
    assert list(region.masks) == [1]


def test_a_folder_brings_its_depth_and_poses(annotated: Path) -> None:
    clip, _ = open_annotation(AnnotationFile(annotated)[3], annotated.parent, 8)
    assert clip is not None
    assert len(clip) == 3
    points = clip.points()
    assert points is not None
    assert points.frame == "world"


def test_a_text_has_no_clip(annotated: Path) -> None:
    assert open_annotation(AnnotationFile(annotated)[4], annotated.parent, 8) == (None, [])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"image": "none.png"}, "none.png"),
        ({"image": "left.png", "regions": [{"box": [900, 0, 950, 9]}]}, "region 0, frame 0: box"),
        ({"image": "left.png", "regions": [{"box": [0, 0, 9, 9], "frame": 1}]}, "frame 1, but 1 frames are used"),
        ({"image": "left.png", "regions": [{"mask": "large_mask.png"}]}, "size"),
        ({"image": "left.png", "regions": [{"rle": {"size": [48, 64], "counts": [3]}}]}, "covers 3 pixels"),
        ({"image": "left.png", "regions": [{"rle": {"size": [4, 6], "counts": [24]}}]}, "its frame is [48, 64]"),
        ({"image": "left.png", "regions": [{"polygon": [1, 2, 3, 4]}]}, "three corners or more"),
        ({"image": "large.png", "depth": {"file": "left_depth.npy"}}, "depth must have the size of its image"),
        ({"video": "clip.mp4", "seconds": [0, 0.001]}, "2 seconds fall on 1 frames"),
    ],
)
def test_what_does_not_fit_is_one_line(annotated: Path, fields: dict[str, Any], reason: str) -> None:
    question = "What is <region0>?" if "regions" in fields else "What is it?"
    fields = {**fields, "conversations": [[{"question": question, "answer": "a cup"}]]}
    with pytest.raises((ValueError, FileNotFoundError)) as error:
        open_annotation(parse_line(json.dumps(fields)), annotated.parent, 8)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_frame_is_taken_once() -> None:
    assert nearest_frames([0.0, 0.1, 0.2], [0.04, 0.19]) == [0, 2]
    with pytest.raises(ValueError, match="leave some out"):
        nearest_frames([0.0, 0.1], [0.0, 0.01])
