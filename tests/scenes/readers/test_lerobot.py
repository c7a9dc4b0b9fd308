"""LeRobot v3; files that the test writes."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from scenes.readers.lerobot import read_lerobot
from scenes.readers.open_clip import open_clip
from tests.support.clips.footage import shown_index, write_footage

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra lerobot (pyarrow)")
TOP, WRIST = "observation.images.top", "observation.images.wrist"


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three episodes of 5, 7 and 4 frames at 10 a second: two in the first file, the last in the second."""
    folder = tmp_path / "pick"
    feature = {"dtype": "video", "shape": [64, 96, 3], "info": {"video.is_depth_map": False}}
    info = {
        "codebase_version": "v3.0",
        "fps": 10,
        "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet",
        "video_path": "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4",
        "features": {"action": {"dtype": "float32"}, TOP: feature, WRIST: feature},
    }
    (folder / "meta").mkdir(parents=True)
    (folder / "meta" / "info.json").write_text(json.dumps(info))
    episodes, rows = [], []
    for number, (length, file, start) in enumerate([(5, 0, 0.0), (7, 0, 0.5), (4, 1, 0.0)]):
        place = {"chunk_index": 0, "file_index": file}
        record: dict[str, Any] = {"episode_index": number, "length": length}
        record |= {f"data/{key}": 0 for key in place}
        for camera in (TOP, WRIST):
            record |= {f"videos/{camera}/{key}": value for key, value in place.items()}
            record |= {f"videos/{camera}/from_timestamp": start, f"videos/{camera}/to_timestamp": start + length / 10}
        episodes.append(record)
        rows += [{"episode_index": number, "frame_index": i, "timestamp": i / 10, "action": 0.5} for i in range(length)]
    write_table(folder / "meta" / "episodes" / "chunk-000" / "file-000.parquet", episodes)
    write_table(folder / "data" / "chunk-000" / "file-000.parquet", rows)
    for camera, shift in ((TOP, 0), (WRIST, 3)):
        for file, length in ((0, 12), (1, 4)):
            path = folder / "videos" / camera / "chunk-000" / f"file-{file:03d}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_footage(path, [100 * i for i in range(-shift, length)][shift:])
    return folder


def test_an_episode_is_its_part_of_a_shared_video(dataset: Path) -> None:
    clip = read_lerobot(dataset, episode=1)
    assert [shown_index(frame) for frame in clip.video] == [5, 6, 7, 8, 9, 10, 11]
    torch.testing.assert_close(clip.seconds, torch.arange(7) / 10)
    assert clip.name == "pick#1"
    assert [shown_index(frame) for frame in read_lerobot(dataset, episode=2).video] == [0, 1, 2, 3]


def test_frames_are_sampled_within_the_episode(dataset: Path) -> None:
    clip = read_lerobot(dataset, frames=3, episode=1)
    assert [shown_index(frame) for frame in clip.video] == [5, 8, 11]
    torch.testing.assert_close(clip.seconds, torch.tensor([0, 0.3, 0.6]))


def test_a_path_chooses_the_episode_and_the_camera(dataset: Path) -> None:
    clip = open_clip(f"{dataset}#2:wrist", indices=[1])
    assert shown_index(clip.video[0]) == 1
    assert open_clip(Path(f"{dataset}#1:{TOP}"), 2).video.shape[0] == 2


def test_without_a_choice_the_first_is_read_and_said(dataset: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        clip = open_clip(dataset)
    assert [shown_index(frame) for frame in clip.video] == [0, 1, 2, 3, 4]
    assert "episode 0 is read; choose by DATASET#EPISODE" in caplog.text
    assert f"{TOP} is read of {TOP}, {WRIST}" in caplog.text


@pytest.mark.parametrize(
    "choice, message", [("#9", "no episode 9"), ("#x", "not the number of an episode"), ("#0:left", "no camera 'left'")]
)
def test_a_choice_that_is_not_there_is_one_clear_line(dataset: Path, choice: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        open_clip(f"{dataset}{choice}")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"codebase_version": "v2.1"}, "version v2.1.*convert"),
        ({"fps": None}, "needs the number fps"),
        ({"features": {}}, "no video of colour"),
        ({"video_path": "../{video_key}.mp4"}, "outside of"),
        ({"data_path": "{nothing}"}, "has no data_path of the form"),
    ],
)
def test_another_form_is_one_clear_line(dataset: Path, change: dict[str, Any], message: str) -> None:
    path = dataset / "meta" / "info.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=message) as caught:
        read_lerobot(dataset, episode=0)
    assert "\n" not in str(caught.value)


def test_a_damaged_table_is_one_clear_line(dataset: Path) -> None:
    path = dataset / "meta" / "episodes" / "chunk-000" / "file-000.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"file-000.parquet is damaged") as caught:
        read_lerobot(dataset)
    assert "\n" not in str(caught.value)
