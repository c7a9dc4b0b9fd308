"""The tables of an Aria Digital Twin sequence: objects, their boxes and poses, and the trajectory of the glasses.

Source: the data format page of projectaria_tools (Aria Digital Twin, version 2.0), and its C++ reader. Objects have
frames of their own (y up), the scene one for all (y up, metres).
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import matrix
from scenes.readers.rgbd.trajectories import rotation_from_quaternion

INSTANCES, BOXES, POSES = "instances.json", "3d_bounding_box.csv", "scene_objects.csv"
VIEWS, TRAJECTORY = "2d_bounding_box.csv", "aria_trajectory.csv"
TABLES = (INSTANCES, BOXES, POSES, VIEWS, TRAJECTORY)
FACTS = ("instance_name", "prototype_name", "category", "instance_type")
STATIC = -1  # the time of an object that never moves
NEAR_NS = 5_000_000  # largest distance of times that belong together; a frame takes 33 ms


@dataclass(frozen=True)
class SeenObject:
    """An object in one picture of the colour camera: its 2D box (pixels of the recording) and its visible share."""

    uid: int
    time_ns: int
    x: tuple[float, float]
    y: tuple[float, float]
    visible: float


@dataclass(frozen=True)
class AriaTables:
    """The tables of one sequence, read when first used; in another process, read there once.

    Raises:
        FileNotFoundError: one of them is missing.
    """

    folder: Path

    def __post_init__(self) -> None:
        if missing := [name for name in TABLES if not (self.folder / name).is_file()]:
            raise FileNotFoundError(f"'{self.folder}' has no {missing[0]}: give a sequence of Aria Digital Twin")

    def __reduce__(self) -> tuple[Any, ...]:
        return tables_of, (self.folder,)

    @cached_property
    def instances(self) -> Mapping[int, Mapping[str, str]]:
        """The FACTS of each object or person by uid."""
        path = self.folder / INSTANCES
        try:
            read = {
                int(uid): {key: str(facts[key]) for key in FACTS} for uid, facts in json.loads(path.read_text()).items()
            }
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{path} is damaged ({error!r}); download it again") from error
        return read

    @cached_property
    def boxes(self) -> Mapping[int, Float[Tensor, "2 3"]]:
        """The low and the high corner of each object's box, in the object's frame, metres."""
        sides = [f"p_local_obj_{axis}{end}[m]" for end in ("min", "max") for axis in "xyz"]
        rows = self._rows(BOXES, sides)
        return {uid: torch.tensor(numbers, dtype=torch.float64).reshape(2, 3) for uid, _, numbers, _ in rows}

    @cached_property
    def _poses(self) -> Mapping[int, tuple[list[int], list[Float[Tensor, "4 4"]]]]:
        columns = [*(f"t_wo_{axis}[m]" for axis in "xyz"), *(f"q_wo_{axis}" for axis in "xyzw")]
        poses: dict[int, tuple[list[int], list[Tensor]]] = defaultdict(lambda: ([], []))
        for uid, time, numbers, _ in sorted(self._rows(POSES, columns), key=lambda row: row[:2]):
            poses[uid][0].append(time)
            poses[uid][1].append(_pose(numbers))
        return poses

    def scene_T_object(self, uid: int, time_ns: int) -> Float[Tensor, "4 4"] | None:
        """Find the pose of an object; None where it has none within 5 ms, or none at all."""
        times, poses = self._poses.get(uid, ([], []))
        if times[:1] == [STATIC]:
            return poses[0]
        return _nearest(times, poses, time_ns)

    def scene_T_device(self, time_ns: int) -> Float[Tensor, "4 4"] | None:
        """Find the pose of the glasses; None where there is none within 5 ms."""
        return _nearest(*self._trajectory, time_ns)

    @cached_property
    def _trajectory(self) -> tuple[list[int], list[Float[Tensor, "4 4"]]]:
        columns = [*(f"t{axis}_world_device" for axis in "xyz"), *(f"q{axis}_world_device" for axis in "xyzw")]
        rows = [(int(row["tracking_timestamp_us"]) * 1000, row) for row in self._dicts(TRAJECTORY)]
        poses = [self._numbers(TRAJECTORY, row, columns) for _, row in rows]
        return [time for time, _ in rows], [_pose(numbers) for numbers in poses]

    def seen(self, stream: str) -> Mapping[int, list[SeenObject]]:
        """List what a camera (such as "214-1") sees at each time."""
        columns = [f"{axis}_{end}[pixel]" for axis in "xy" for end in ("min", "max")]
        seen: dict[int, list[SeenObject]] = defaultdict(list)
        for uid, time, numbers, row in self._rows(VIEWS, [*columns, "visibility_ratio[%]"]):
            if row.get("stream_id") == stream:  # the share is of 1, whatever its heading says
                box = (numbers[0], numbers[1]), (numbers[2], numbers[3])
                seen[time].append(SeenObject(uid, time, *box, numbers[4]))
        return dict(sorted(seen.items()))

    def _rows(self, name: str, columns: list[str]) -> Iterator[tuple[int, int, list[float], dict[str, str]]]:
        for row in self._dicts(name):
            uid, time = self._numbers(name, row, ["object_uid", "timestamp[ns]"], int)
            yield uid, time, self._numbers(name, row, columns), row

    def _dicts(self, name: str) -> Iterator[dict[str, str]]:
        with (self.folder / name).open(newline="") as file:
            yield from csv.DictReader(file)

    def _numbers(self, name: str, row: dict[str, str], columns: list[str], kind: Any = float) -> list[Any]:
        try:
            return [kind(row[column]) for column in columns]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{self.folder / name} is damaged ({error!r}); download it again") from error


@lru_cache(maxsize=4)
def tables_of(folder: Path) -> AriaTables:
    """Open the tables of a sequence, or take those that this process has open."""
    return AriaTables(folder)


def _nearest(times: list[int], poses: list[Float[Tensor, "4 4"]], time_ns: int) -> Float[Tensor, "4 4"] | None:
    """Find the pose whose time is nearest; `times` ascend."""
    at = bisect_left(times, time_ns)
    near = [k for k in (at - 1, at) if 0 <= k < len(times) and abs(times[k] - time_ns) <= NEAR_NS]
    return poses[min(near, key=lambda k: abs(times[k] - time_ns))] if near else None


def _pose(numbers: list[float]) -> Float[Tensor, "4 4"]:
    """Build a rigid pose from a shift and a quaternion (x, y, z, w)."""
    row = torch.tensor(numbers, dtype=torch.float64)
    return matrix(rotation_from_quaternion(row[3:]), row[:3])
