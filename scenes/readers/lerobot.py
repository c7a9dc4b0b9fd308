"""LeRobot v3 data sets: one episode of one camera as a clip.

Source: huggingface.co/docs/lerobot/lerobot-dataset-v3.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scenes.clip import Clip
from scenes.readers.frame_choice import choose_frames
from scenes.readers.rgbd.listing import inside
from scenes.readers.rgbd.text import numbers, read_json, whole_number
from scenes.readers.video import read_video

INFO = "meta/info.json"
log = logging.getLogger(__name__)


def split_episode(path: Path) -> tuple[Path, int | None, str | None]:
    """Split DATASET#EPISODE or DATASET#EPISODE:CAMERA; a path that exists is a data set without both.

    Raises:
        ValueError: the episode is not a whole number.
    """
    if path.exists() or "#" not in path.name:
        return path, None, None
    name, _, choice = path.name.rpartition("#")
    episode, _, camera = choice.partition(":")
    if not episode.isdecimal():
        raise ValueError(f"{path}: '{episode}' is not the number of an episode; give DATASET#EPISODE[:CAMERA]")
    return path.with_name(name), int(episode), camera or None


def is_lerobot(path: Path) -> bool:
    """Tell whether a folder is a LeRobot data set."""
    return (path / INFO).is_file()


def read_lerobot(
    path: str | Path,
    frames: int | None = None,
    indices: Sequence[int] | None = None,
    episode: int | None = None,
    camera: str | None = None,
) -> Clip:
    """Read frames of an episode: `frames` of them uniformly from first to last, or `indices`, or all.

    Times are the timestamps of the episode's table. By default the first episode and the first colour camera are read;
    where there are others, a warning says how to choose.

    Raises:
        FileNotFoundError: a file of the data set is missing.
        ImportError: the extra "lerobot" is not installed.
        ValueError: the data set has another version, no such episode or camera, or a video without its frames.
    """
    path = Path(path)
    info = read_json(path / INFO)
    version = str(info.get("codebase_version"))[:20]
    if not version.startswith("v3"):
        raise ValueError(
            f"{path} is a LeRobot data set of version {version}; this version reads v3: convert it by "
            "'python -m lerobot.scripts.convert_dataset_v21_to_v30'"
        )
    fps = float(numbers(info.get("fps"), f"{path / INFO} needs the number fps"))
    key = _camera(info, camera, path)
    record = _episode(path, episode, key)
    table = _rows(_file(path, info, "data_path", record, "data"), record["episode_index"], ["timestamp"])
    times = numbers([row["timestamp"] for row in table], f"{path}: a timestamp is not a number")
    chosen = choose_frames(len(times), frames, indices, path)
    shown = times[chosen] + record[f"videos/{key}/from_timestamp"]
    video = _file(path, info, "video_path", record, f"videos/{key}", video_key=key)
    clip = read_video(video, indices=[round(second * fps) for second in shown.tolist()])
    if float((clip.seconds - shown).abs().max()) > 0.5 / fps:
        raise ValueError(f"{video} has no frames at the times of episode {record['episode_index']}")
    seconds = (times[chosen] - times[0]).float()
    name, names = f"{path.name}#{record['episode_index']}", tuple(map(str, chosen))
    return replace(clip, seconds=seconds, name=name, frame_names=names)


def _camera(info: dict[str, Any], camera: str | None, path: Path) -> str:
    features = info.get("features")
    videos: dict[str, Any] = {
        str(name): feature
        for name, feature in (features.items() if isinstance(features, dict) else ())
        if isinstance(feature, dict) and feature.get("dtype") == "video"
    }
    colour = [name for name, feature in videos.items() if not _is_depth(feature)]
    if not colour:
        raise ValueError(f"{path} has no video of colour; episodes of single pictures are not read")
    if camera is not None:
        found = [name for name in colour if camera in (name, name.rsplit(".", 1)[-1])]
        if not found:
            raise ValueError(f"{path} has no camera {camera!r}, only {', '.join(colour)}")
        return found[0]
    if len(colour) > 1:
        log.warning("%s: %s is read of %s; choose by DATASET#EPISODE:CAMERA", path, colour[0], ", ".join(colour))
    return colour[0]


def _is_depth(feature: dict[str, Any]) -> bool:
    info = feature.get("info")
    return isinstance(info, dict) and bool(info.get("video.is_depth_map") or info.get("is_depth_map"))


def _episode(path: Path, episode: int | None, key: str) -> dict[str, Any]:
    files = sorted((path / "meta" / "episodes").glob("chunk-*/file-*.parquet"))
    if not files:
        raise FileNotFoundError(f"{path} has no meta/episodes/chunk-*/file-*.parquet")
    places = [f"{part}/{index}" for part in ("data", f"videos/{key}") for index in ("chunk_index", "file_index")]
    columns = ["episode_index", *places, f"videos/{key}/from_timestamp"]
    wanted = 0 if episode is None else episode
    for file in files:
        for record in _rows(file, wanted, columns):
            if episode is None and (len(files) > 1 or len(_rows(file, None, ["episode_index"])) > 1):
                log.warning("%s: episode 0 is read; choose by DATASET#EPISODE", path)
            return record
    raise ValueError(f"{path} has no episode {wanted}")


def _rows(file: Path, episode: int | None, columns: list[str]) -> list[dict[str, Any]]:
    """Read the rows of an episode, or of all."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(f"{file} needs pyarrow: pip install 'region4d[lerobot]'") from error
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing")
    filters = None if episode is None else [("episode_index", "==", episode)]
    try:
        rows: list[dict[str, Any]] = parquet.read_table(file, columns=columns, filters=filters).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{file} is damaged, or lacks one of the columns {', '.join(columns)}") from error
    if any(set(row) != set(columns) or None in row.values() for row in rows):
        raise ValueError(f"{file} lacks one of the columns {', '.join(columns)}")
    return rows


def _file(path: Path, info: dict[str, Any], template: str, record: dict[str, Any], part: str, **names: str) -> Path:
    """Fill a path template of `info.json`."""
    form = f"{path / INFO} has no {template} of the form '...chunk-{{chunk_index:03d}}/file-{{file_index:03d}}...'"
    place = {index: whole_number(record[f"{part}/{index}"], form) for index in ("chunk_index", "file_index")}
    try:
        return inside(path, str(info[template]).format(**place, **names), path / INFO)
    except (KeyError, IndexError, AttributeError) as error:
        raise ValueError(form) from error
