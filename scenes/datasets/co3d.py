"""CO3Dv2 (arXiv 2109.00512): videos of objects with depth, foreground masks and cameras, in the published layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import intrinsics_from_ndc, invert, opencv_from_pytorch3d
from scenes.clip import Clip
from scenes.clip_checks import check_clip
from scenes.datasets.co3d_annotations import FRAMES, Co3dCamera, Co3dFrame, read_frames, read_quality, read_set_list
from scenes.datasets.lost_cameras import refuse_lost_cameras
from scenes.readers.frame_choice import choose_frames
from scenes.readers.image_files import read_grey, read_half_depth, read_image, stack_pictures
from scenes.readers.up_axis import Up, turn_z_up

FPS = 10  # CO3Dv2 writes no times: about 200 frames of a video of some 20 seconds


@dataclass(frozen=True)
class Co3dSequence:
    """One video of an object; pictures are decoded on `read`.

    Lengths are in units of its own reconstruction, not metres. Frames of the hidden test set are black and without
    depth. `quality` is the viewpoint quality score (the bigger the better) where there is one.
    """

    root: Path
    category: str
    sequence: str
    annotations: tuple[Co3dFrame, ...]
    quality: float | None = None

    @property
    def name(self) -> str:
        """Category and sequence: a name that is unique in the data set and valid as a file name."""
        return f"{self.category}-{self.sequence}"

    def __len__(self) -> int:
        return len(self.annotations)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels, the same for all frames."""
        return self.annotations[0].size

    def read(
        self,
        frames: int | None = None,
        indices: Sequence[int] | None = None,
        depth: bool = True,
        up: Up = "camera",
        fps: int | float = FPS,
    ) -> Clip:
        """Read `frames` frames uniformly from first to last, or `indices`, or all.

        Args:
            frames: how many frames.
            indices: which frames, instead.
            depth: whether to read depth; it is kept where the depth masks call it reliable.
            up: axis of the sequence's world that points up (see `turn_z_up`), estimated from all of its cameras, so
                that it does not depend on the selected frames.
            fps: frames a second, where the annotations have no times.

        Raises:
            FileNotFoundError: a picture is missing.
            ValueError: a picture is damaged or not of the annotated size, or depth or a camera is not annotated.
            LostCamera: a camera of the sequence lies nowhere (see `refuse_lost_cameras`).
        """
        index = choose_frames(len(self), frames, indices, self.root / self.category / self.sequence)
        taken = [self.annotations[i] for i in index]
        paths = [self._there(frame.image) for frame in taken]
        video = self._sized(stack_pictures([(path, read_image(path)) for path in paths]), "image")
        clip = Clip(
            video=video,
            seconds=self._seconds(fps)[index],
            depth=self._depth(taken) if depth else None,
            intrinsics=torch.stack([self._intrinsics(frame) for frame in taken]),
            world_T_cam=turn_z_up(self._world_T_cam, up)[index],
            name=self.name,
        )
        return check_clip(clip, f"{self.root / self.category / FRAMES}, {self.name}")

    def masks(self, indices: Sequence[int]) -> UInt8[Tensor, "time height width"]:
        """Read the foreground masks of some frames: the probability of the object, times 255.

        Raises:
            FileNotFoundError: a mask is missing.
            ValueError: a mask is damaged, not of the annotated size, or not annotated.
        """
        index = choose_frames(len(self), None, indices, self.root / self.category / self.sequence)
        paths = [self._there(self.annotations[i].mask or self._refuse(self.annotations[i], "mask")) for i in index]
        return self._sized(stack_pictures([(path, read_grey(path)) for path in paths]), "mask")

    def _seconds(self, fps: int | float) -> Float[Tensor, "time"]:
        """Count from the first frame; a time of -1 stands for none."""
        written = torch.tensor([frame.seconds for frame in self.annotations])
        if (written < 0).any():
            written = torch.tensor([frame.number / fps for frame in self.annotations])
        return written - written[0]

    @cached_property
    def _world_T_cam(self) -> Float[Tensor, "time 4 4"]:
        cameras = [self._camera(frame) for frame in self.annotations]
        rotation = torch.tensor([camera.rotation for camera in cameras], dtype=torch.float64)
        translation = torch.tensor([camera.translation for camera in cameras], dtype=torch.float64)
        rotation = rearrange(rotation, "time (row col) -> time row col", row=3)
        world_T_cam = invert(opencv_from_pytorch3d(rotation, translation))
        refuse_lost_cameras(self.name, world_T_cam)
        return world_T_cam.float()

    def _intrinsics(self, frame: Co3dFrame) -> Float[Tensor, "3 3"]:
        camera = self._camera(frame)
        focal, principal = torch.tensor(camera.focal), torch.tensor(camera.principal)
        return intrinsics_from_ndc(focal, principal, *frame.size, isotropic=camera.isotropic)

    def _depth(self, frames: Sequence[Co3dFrame]) -> Float[Tensor, "time height width"]:
        found = []
        for frame in frames:
            path = self._there(frame.depth or self._refuse(frame, "depth"))
            depth = read_half_depth(path, frame.depth_scale)
            if frame.depth_mask is not None:
                reliable = read_grey(self._there(frame.depth_mask)) > 0
                if reliable.shape != depth.shape:
                    raise ValueError(f"{self.root / frame.depth_mask} has another size than its depth, {path}")
                depth = torch.where(reliable, depth, torch.zeros_like(depth))
            found.append((path, depth))
        return self._sized(stack_pictures(found), "depth")

    def _camera(self, frame: Co3dFrame) -> Co3dCamera:
        return frame.camera or self._refuse(frame, "viewpoint")

    def _refuse(self, frame: Co3dFrame, what: str) -> NoReturn:
        raise ValueError(f"frame {frame.number} of {self.name} has no {what} in {FRAMES}; use another sequence")

    def _there(self, path: str) -> Path:
        if not (self.root / path).is_file():
            raise FileNotFoundError(f"{self.root / path} is missing, but {FRAMES} names it; download its part again")
        return self.root / path

    def _sized(self, pictures: Tensor, what: str) -> Tensor:
        came = tuple(pictures.shape[-2:])
        if came != self.size:
            raise ValueError(
                f"{self.name}: {what} pictures have {came[1]}x{came[0]} pixels, but {FRAMES} says "
                f"{self.size[1]}x{self.size[0]}"
            )
        return pictures


def list_co3d(root: str | Path, category: str, set_list: str | None = None) -> list[Co3dSequence]:
    """List the sequences of a category whose pictures are there, by name; of a set list ("fewview_dev"), only its own.

    The annotations of a whole category are read, which takes seconds; no picture is.

    Raises:
        FileNotFoundError: the category, its annotations, the set list, or all of its pictures are missing.
        ValueError: annotations are damaged or have another format.
    """
    folder = Path(root) / category
    if not folder.is_dir():
        there = list_co3d_categories(root)
        raise FileNotFoundError(f"{root} has no category {category!r} of CO3D, only {', '.join(there) or 'none'}")
    frames, quality = read_frames(folder), read_quality(folder)
    wanted = set(frames)
    if set_list is not None:
        wanted &= {name for part in read_set_list(folder, set_list).values() for name, _ in part}
    found = [name for name in frames if name in wanted and (folder / name / "images").is_dir()]
    if not found:
        raise FileNotFoundError(f"{folder} has annotations of {len(wanted)} sequences, but the pictures of none")
    return [Co3dSequence(Path(root), category, name, frames[name], quality.get(name)) for name in found]


def list_co3d_categories(root: str | Path) -> list[str]:
    """List the categories of a CO3D folder: those with frame annotations.

    Raises:
        FileNotFoundError: there is no such folder.
    """
    if not Path(root).is_dir():
        raise FileNotFoundError(f"no such CO3D folder: {root}")
    return sorted(path.parent.name for path in Path(root).glob(f"*/{FRAMES}"))
