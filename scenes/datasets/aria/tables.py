"""The tables of an Aria Digital Twin sequence: objects, their boxes and poses, and the trajectory of the glasses.

Source: the data format page of projectaria_tools (Aria Digital Twin, version 2.0), and its C++ reader. Objects have
frames of their own (y up), the scene one for all (y up, metres).
"""

from __future__ import annotations

import csv
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
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
OBJECT_AND_TIME = ("object_uid", "timestamp[ns]")
Track = tuple[list[int], list[list[float]]]  # times, and a shift and a quaternion (x, y, z, w) at each
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
        rows = self._rows(BOXES, OBJECT_AND_TIME, sides)
        return {uid: torch.tensor(numbers, dtype=torch.float64).reshape(2, 3) for (uid, _), numbers in rows}

    @cached_property
    def _poses(self) -> Mapping[int, Track]:
        columns = [*(f"t_wo_{axis}[m]" for axis in "xyz"), *(f"q_wo_{axis}" for axis in "xyzw")]
        poses: dict[int, Track] = defaultdict(lambda: ([], []))
        for (uid, time), numbers in sorted(self._rows(POSES, OBJECT_AND_TIME, columns)):
            poses[uid][0].append(time)
            poses[uid][1].append(numbers)
        return poses

    def scene_T_object(self, uid: int, time_ns: int) -> Float[Tensor, "4 4"] | None:
        """Find the pose of an object; None where it has none within 5 ms, or none at all."""
        times, poses = self._poses.get(uid, ([], []))
        return _pose(poses[0]) if times[:1] == [STATIC] else _nearest((times, poses), time_ns)

    def scene_T_device(self, time_ns: int) -> Float[Tensor, "4 4"] | None:
        """Find the pose of the glasses; None where there is none within 5 ms."""
        return _nearest(self._trajectory, time_ns)

    @cached_property
    def _trajectory(self) -> Track:
        columns = [*(f"t{axis}_world_device" for axis in "xyz"), *(f"q{axis}_world_device" for axis in "xyzw")]
        rows = list(self._rows(TRAJECTORY, ["tracking_timestamp_us"], columns))
        return [1000 * time for (time,), _ in rows], [numbers for _, numbers in rows]

    def seen(self, stream: str) -> Mapping[int, list[SeenObject]]:
        """List what a camera (such as "214-1") sees at each time."""
        columns = [f"{axis}_{end}[pixel]" for axis in "xy" for end in ("min", "max")]
        rows = self._rows(VIEWS, OBJECT_AND_TIME, [*columns, "visibility_ratio[%]"], ("stream_id", stream))
        seen: dict[int, list[SeenObject]] = defaultdict(list)
        for (uid, time), (left, right, top, bottom, visible) in rows:  # the share is of 1, whatever its heading says
            seen[time].append(SeenObject(uid, time, (left, right), (top, bottom), visible))
        return dict(sorted(seen.items()))

    def _rows(
        self, name: str, whole: Sequence[str], real: Sequence[str], only: tuple[str, str] | None = None
    ) -> Iterator[tuple[tuple[int, ...], list[float]]]:
        """Read the whole and the real numbers of each row; of those rows alone whose column has the value `only`."""
        with (self.folder / name).open(newline="") as file:
            reader = csv.reader(file)
            try:
                head = next(reader, [])
                first, second = [head.index(key) for key in whole], [head.index(key) for key in real]
                chosen = head.index(only[0]) if only else 0
                for row in reader:
                    if only is None or row[chosen] == only[1]:
                        yield tuple(int(row[k]) for k in first), [float(row[k]) for k in second]
            except (IndexError, ValueError, csv.Error) as error:
                raise ValueError(f"{self.folder / name} is damaged ({error}); download it again") from error


@cache
def tables_of(folder: Path) -> AriaTables:
    """Open the tables of a sequence, or take those that this process has open."""
    return AriaTables(folder)


def _nearest(track: Track, time_ns: int) -> Float[Tensor, "4 4"] | None:
    """Find the pose whose time is nearest; times ascend."""
    times, poses = track
    at = bisect_left(times, time_ns)
    near = [k for k in (at - 1, at) if 0 <= k < len(times) and abs(times[k] - time_ns) <= NEAR_NS]
    return _pose(poses[min(near, key=lambda k: abs(times[k] - time_ns))]) if near else None


def _pose(numbers: list[float]) -> Float[Tensor, "4 4"]:
    """Build a rigid pose from a shift and a quaternion (x, y, z, w)."""
    row = torch.tensor(numbers, dtype=torch.float64)
    return matrix(rotation_from_quaternion(row[3:]), row[:3])
