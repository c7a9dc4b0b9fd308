"""Labels from any provider: one safetensors file per clip, of which single frames can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from models.geometry import invert, matrix
from probes.clips.labels import Labels, labels_from_depth, labels_from_points
from scenes.storage.atomic import new_file

# Shapes of the published files: s frames of h x w pixels.
SHAPES = {
    "images": ("s", 3, "h", "w"),
    "depthmaps": ("s", "h", "w", 1),
    "pointmaps": ("s", "h", "w", 3),
    "confmaps": ("s", "h", "w", 1),
    "intrinsic": ("s", 3, 3),
    "extrinsic": ("s", 3, 4),
}
MASKS, START = "masks", "start_idx"  # may be missing
ORIGIN = "labels"  # in the notes of a file: what its labels are of


class LabelFile:
    """The labels of one clip, frame by frame.

    Keys as published (VidFM3D, specs/vidfm3d.md section 3.3): `images` uint8 (s, 3, h, w); `depthmaps` (s, h, w, 1),
    `pointmaps` (s, h, w, 3) in a common world and `confmaps` (s, h, w, 1), floats; `intrinsic` (s, 3, 3), pixels;
    `extrinsic` (s, 3, 4), OpenCV world to camera; optional `masks` bool (s, h, w, 1) of the foreground and `start_idx`,
    the first frame of the clip in its video. Opening reads the header only.

    Args:
        path: path of the file.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it is damaged, lacks a key, or shapes disagree.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"no labels at {path}: have a provider write them first")
        try:
            with safe_open(self.path, "pt") as file:
                shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged ({error}): remove it and label the clip again") from error
        if missing := sorted(SHAPES.keys() - shapes.keys()):
            raise ValueError(f"{path} has no {', '.join(missing)}: labels need {', '.join(SHAPES)}")
        frames, _, height, width = shapes["images"] if len(shapes["images"]) == 4 else (0, 0, 0, 0)
        known = {"s": frames, "h": height, "w": width}
        wanted = SHAPES | ({MASKS: SHAPES["depthmaps"]} if MASKS in shapes else {})
        for key, names in wanted.items():
            need = tuple(known[n] if isinstance(n, str) else n for n in names)
            if shapes[key] != need or not frames:
                form = ", ".join(str(n) for n in names)
                raise ValueError(
                    f"{path}: {key} has shape {shapes[key]}, need ({form}) with s, h, w = {frames}, {height}, {width} "
                    f"of images"
                )
        self.frames, self.size = int(frames), (int(height), int(width))
        self.has_masks, self._has_start = MASKS in shapes, START in shapes

    def __len__(self) -> int:
        return self.frames

    @property
    def origin(self) -> str | None:
        """What the labels are of; None if the file does not say so."""
        with safe_open(self.path, "pt") as file:
            notes: dict[str, str] = file.metadata() or {}
        return notes.get(ORIGIN)

    @property
    def start(self) -> int:
        """First frame of the clip in its video; 0 if the file does not contain it."""
        if not self._has_start:
            return 0
        with safe_open(self.path, "pt") as file:
            return int(file.get_tensor(START).flatten()[0])

    def digest(self, *keys: str) -> str:
        """Hash the first and the last frame of some tensors, and how many frames there are: what tells clips apart."""
        found = hashlib.sha256(f"{self.start} {self.frames} {self.size}".encode())
        with safe_open(self.path, "pt") as file:
            for key in keys:
                values = file.get_slice(key)
                for frame in (0, self.frames - 1):
                    found.update(values[frame].contiguous().view(torch.uint8).numpy().tobytes())
        return found.hexdigest()[:12]

    def labels(self, frames: Sequence[int], foreground: bool = False, unproject: bool = False) -> Labels:
        """Read the labels of some frames, normalised to the first of them; see `labels_from_points`.

        Args:
            frames: frames, counted from the start of the clip.
            foreground: whether only the pixels of the masks count (in the published study all count).
            unproject: whether to unproject the depth, as the published points were made, instead of reading points.

        Raises:
            ValueError: If a frame does not exist, or `foreground` is set and the file has no masks.
        """
        if foreground and not self.has_masks:
            raise ValueError(f"{self.path} has no {MASKS}: count all pixels, or label the clip with its masks")
        skipped = {"images", "pointmaps"} if unproject else {"images"}
        read = {key: self._read(key, frames).float() for key in SHAPES.keys() - skipped}
        cam_T_world = matrix(read["extrinsic"][..., :3], read["extrinsic"][..., 3])
        depth, intrinsics, confidence = _map(read["depthmaps"]), read["intrinsic"], _map(read["confmaps"])
        counted = _map(self._read(MASKS, frames)).bool() if foreground else None
        if unproject:
            return labels_from_depth(depth, intrinsics, invert(cam_T_world), confidence, counted)
        return labels_from_points(read["pointmaps"], depth, intrinsics, cam_T_world, confidence, counted)

    def frame_bytes(self, unproject: bool = False) -> int:
        """Count the bytes of one frame's labels on disk, without its picture."""
        with safe_open(self.path, "pt") as file:
            skipped = {"images", "pointmaps"} if unproject else {"images"}
            first = [file.get_slice(key)[0] for key in SHAPES.keys() - skipped]
        return sum(part.numel() * part.element_size() for part in first)

    def images(self, frames: Sequence[int]) -> UInt8[Tensor, "view 3 height width"]:
        """Read the pictures of some frames.

        Raises:
            ValueError: If a frame does not exist.
        """
        return self._read("images", frames)

    def _read(self, key: str, frames: Sequence[int]) -> Tensor:
        wrong = [frame for frame in frames if not 0 <= frame < len(self)]
        if wrong or not frames:
            raise ValueError(f"{self.path} has labels of frames 0 to {len(self) - 1}, asked for {wrong or 'none'}")
        with safe_open(self.path, "pt") as file:
            part = file.get_slice(key)
            return torch.stack([part[frame] for frame in frames])


def write_labels(
    path: str | Path,
    images: UInt8[Tensor, "time 3 height width"],
    depth: Float[Tensor, "time height width"],
    points: Float[Tensor, "time height width 3"],
    confidence: Float[Tensor, "time height width"],
    intrinsics: Float[Tensor, "time 3 3"],
    world_T_cam: Float[Tensor, "time 4 4"],
    foreground: Bool[Tensor, "time height width"] | None = None,
    start: int = 0,
    origin: str | None = None,
) -> None:
    """Write the labels of a clip as a `LabelFile`, atomically.

    Args:
        path: path of the file; its folder is created.
        images: the frames at the size of the maps.
        depth: z-depth; 0, NaN or infinite where it is unknown.
        points: points in the world of the cameras.
        confidence: confidence of the labels.
        intrinsics: intrinsics in pixels of the maps.
        world_T_cam: OpenCV cameras.
        foreground: mask of the object.
        start: first frame of the clip in its video.
        origin: what the labels are of, such as a model.

    Raises:
        OSError: If the disk is full; no partial file remains.
    """
    tensors = {
        "images": images,
        "depthmaps": depth.float()[..., None],
        "pointmaps": points.float(),
        "confmaps": confidence.float()[..., None],
        "intrinsic": intrinsics.float(),
        "extrinsic": invert(world_T_cam.double())[:, :3].float(),
        START: torch.tensor(start, dtype=torch.int32),
    }
    if foreground is not None:
        tensors[MASKS] = foreground[..., None]
    try:
        with new_file(path) as draft:
            notes = None if origin is None else {ORIGIN: origin}
            save_file({key: tensor.cpu().contiguous() for key, tensor in tensors.items()}, draft, notes)
    except (OSError, SafetensorError) as error:
        raise OSError(f"cannot write labels to {path}: {error}") from error


def _map(values: Tensor) -> Tensor:
    """Drop the channel axis of a map."""
    dropped: Tensor = rearrange(values, "view height width 1 -> view height width")
    return dropped
