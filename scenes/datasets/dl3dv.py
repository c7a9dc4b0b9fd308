"""DL3DV-10K (arXiv 2312.16256): videos of places with cameras from COLMAP, in the published (nerfstudio) layout."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from models.geometry import resize_intrinsics, swap_opengl
from scenes.clip import Clip
from scenes.clip_checks import check_clip
from scenes.datasets.lost_cameras import refuse_lost_cameras
from scenes.readers.frame_choice import choose_frames
from scenes.readers.image_files import read_image, stack_pictures
from scenes.readers.up_axis import Up, turn_z_up

CAMERAS = "transforms.json"
FPS = 5  # times are not published: 300 to 400 frames of a video of a minute or more
MAX_ASPECT_ERROR = 0.01  # relative difference of the scales, in x and in y, between pictures and their cameras


@dataclass(frozen=True)
class Dl3dvScene:
    """One video of a place, without depth; pictures are decoded on `read`.

    Lengths are in units of its own reconstruction, not metres. The mild lens distortion of the cameras
    (k1, k2, p1, p2) is ignored: the clip has their pinhole.

    Args:
        folder: `<subset>/<hash>` with `transforms.json` and a folder of pictures.
        images: that folder; "images_4" holds a quarter of the full width and height (960 x 540).
    """

    folder: Path
    images: str = "images_4"

    @property
    def name(self) -> str:
        """Subset and hash: a name that is unique in the data set and valid as a file name."""
        return f"{self.folder.parent.name}-{self.folder.name}"

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def pictures(self) -> list[Path]:
        """The pictures that have a camera, in the order of the video."""
        return [path for path, _ in self._frames]

    def read(
        self,
        frames: int | None = None,
        indices: Sequence[int] | None = None,
        up: Up = "camera",
        fps: int | float = FPS,
    ) -> Clip:
        """Read `frames` frames uniformly from first to last, or `indices`, or all.

        Args:
            frames: how many frames.
            indices: which frames, instead.
            up: axis of the scene's world that points up (see `turn_z_up`), estimated from all of its cameras, so
                that it does not depend on the selected frames.
            fps: frames a second; times are not published.

        Raises:
            FileNotFoundError: the cameras or a picture are missing.
            ValueError: the cameras have another format or aspect ratio than the pictures, or a picture is damaged.
            LostCamera: a camera of the scene lies nowhere (see `refuse_lost_cameras`).
        """
        index = choose_frames(len(self), frames, indices, self.folder)
        pictures = self.pictures
        world_T_cam = torch.stack([pose for _, pose in self._frames])
        refuse_lost_cameras(self.name, world_T_cam)
        paths = [pictures[i] for i in index]
        if missing := [path for path in paths if not path.is_file()]:
            raise FileNotFoundError(f"{missing[0]} is missing, but {CAMERAS} names it; download the scene again")
        video = stack_pictures([(path, read_image(path)) for path in paths])
        clip = Clip(
            video=video,
            seconds=torch.tensor(index) / fps,
            intrinsics=repeat(self._intrinsics(*video.shape[2:]), "row col -> time row col", time=len(index)),
            world_T_cam=turn_z_up(world_T_cam, up)[index],
            name=self.name,
        )
        return check_clip(clip, self.folder)

    @cached_property
    def _cameras(self) -> dict[str, Any]:
        path = self.folder / CAMERAS
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: a scene of DL3DV needs {CAMERAS} beside {self.images}/")
        try:
            cameras = json.loads(path.read_text())
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path} is truncated or not JSON; download the scene again") from error
        if not isinstance(cameras, dict) or not cameras.get("frames"):
            raise ValueError(f"{path} has no frames: need nerfstudio's form (w, h, fl_x, fl_y, cx, cy, frames)")
        return cameras

    @cached_property
    def _frames(self) -> list[tuple[Path, Float[Tensor, "4 4"]]]:
        """Pictures and their `world_T_cam`, sorted by the numbers in their names."""
        found: list[tuple[Path, Tensor]] = []
        for number, frame in enumerate(self._cameras["frames"]):
            try:
                name = Path(frame["file_path"]).name  # "images/..." whatever the resolution
                pose = torch.tensor(frame["transform_matrix"], dtype=torch.float32)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise ValueError(f"{self.folder / CAMERAS}: frame {number} has another format ({error!r})") from error
            if pose.shape != (4, 4):
                raise ValueError(f"{self.folder / CAMERAS}: transform_matrix of frame {number} is not 4x4")
            found.append((self.folder / self.images / name, swap_opengl(pose)))
        return sorted(found, key=lambda pair: [int(n) for n in re.findall(r"\d+", pair[0].stem)])

    def _intrinsics(self, height: int, width: int) -> Float[Tensor, "3 3"]:
        """Scale the intrinsics of the full resolution to that of the pictures."""
        keys = ("fl_x", "fl_y", "cx", "cy", "w", "h")
        try:
            fx, fy, cx, cy, full_width, full_height = (float(self._cameras[key]) for key in keys)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"{self.folder / CAMERAS} needs the numbers {', '.join(keys)} ({error!r})") from error
        if abs(full_width / width / (full_height / height) - 1) > MAX_ASPECT_ERROR:
            raise ValueError(
                f"{self.folder / CAMERAS} is for {full_width:g}x{full_height:g} pixels, the pictures of {self.images} "
                f"have {width}x{height}, another aspect ratio; use the pictures of this scene"
            )
        full = torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        return resize_intrinsics(full, (int(full_height), int(full_width)), (height, width))


def list_dl3dv(root: str | Path, subsets: Sequence[str] | None = None, images: str = "images_4") -> list[Dl3dvScene]:
    """List the scenes of some subsets ("1K", "2K", ...), or of all, by subset and hash.

    Raises:
        FileNotFoundError: the folder, a subset, or every scene in them is missing.
    """
    root = Path(root)
    if not root.is_dir():
        raise FileNotFoundError(f"no such DL3DV folder: {root}")
    there = sorted(path.name for path in root.iterdir() if re.fullmatch(r"\d+K", path.name) and path.is_dir())
    if absent := sorted(set(subsets or ()) - set(there)):
        raise FileNotFoundError(f"{root} has no subset {absent[0]!r} of DL3DV, only {', '.join(there) or 'none'}")
    taken = there if subsets is None else sorted(set(subsets))
    found = [Dl3dvScene(path.parent, images) for subset in taken for path in sorted(root.glob(f"{subset}/*/{CAMERAS}"))]
    if not found:
        raise FileNotFoundError(f"{root} holds no scenes of DL3DV (<subset>/<hash>/{CAMERAS})")
    return found
