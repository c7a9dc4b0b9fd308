"""What every extractor does: take frames of a clip, run a frozen stock model, and read it behind some of its blocks."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import interpolate

from probes.clips.seeding import clip_generator
from probes.extractors.noise import Noise
from probes.extractors.slots import Features, SlotMap

SAMPLED = 4096  # values of a weight that its digest looks at


class Extractor(nn.Module, ABC):
    """A frozen model that turns a clip into features on a grid, behind each of its blocks.

    A family says which modules can be read (`blocks`), how a clip is cut into forwards (`pieces`), what one forward is
    (`run`), which frames its slots have seen (`slots`), and how a block's tokens lie on the grid (`grid`).

    Args:
        name: of the model, for tables and stores.
        size: height and width (pixels) that frames are resized to, aspect ratio and all.
        frames: how many frames of a clip are taken, from its first on; None for all.
    """

    noisy = False  # whether it is a diffusion model, which takes a noise level
    batched = False  # whether `run` takes several clips at once; large models take one
    video_entry = 0  # of a block that gives a tuple: which entry is the video (the other is text)

    def __init__(self, name: str, size: Sequence[int], frames: int | None = None) -> None:
        super().__init__()
        self.name, self.size, self.frames = name, (int(size[0]), int(size[1])), frames

    @property
    @abstractmethod
    def blocks(self) -> Sequence[nn.Module]:
        """The modules that can be read, in order of depth; layer k is `blocks[k]`."""

    @abstractmethod
    def pieces(self, frames: int) -> list[list[int]]:
        """Say which frames of a clip each forward takes.

        Raises:
            ValueError: a clip of so many frames cannot be taken.
        """

    @abstractmethod
    def slots(self, frames: int) -> list[list[int]]:
        """Say which of the `frames` of one forward each slot has seen."""

    @abstractmethod
    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Run the stock model once on frames in 0 to 1, on its device and in its type; hooks take what passes.

        There is one clip unless the model is `batched`; each has its own generator.
        """

    @abstractmethod
    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Lay what a block gave for one forward of `frames` frames of each clip on the grid."""

    def settings(self) -> Mapping[str, Any]:
        """Name further options that determine the features."""
        return {}

    def extract(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        layers: Sequence[int],
        noise: Noise | None = None,
        clip: str = "",
    ) -> dict[int, Features]:
        """Extract the features behind some blocks, on the CPU, in the type of the model; the same bytes every time.

        The noise is drawn for the `clip` of that name: one draw for all clips would be no noise to who sees many.

        Raises:
            ValueError: there is no such layer, the clip is too short, or a noise level is missing or not wanted.
        """
        found, slots = self.extract_many(video[None], layers, noise, [clip])
        return {layer: Features(values[0].cpu(), slots) for layer, values in found.items()}

    @torch.no_grad()
    def extract_many(
        self,
        videos: UInt8[Tensor, "clip time 3 height width"],
        layers: Sequence[int],
        noise: Noise | None,
        names: Sequence[str],
    ) -> tuple[dict[int, Float[Tensor, "clip slot rows cols channel"]], SlotMap]:
        """Extract the features of clips of one length, left on the device of the model; see `extract`.

        Where the model is `batched`, the last digits depend on which clips come together.
        """
        self.check(layers, noise)
        taken = self.take(videos)
        pieces = self.pieces(taken.shape[1])
        total: dict[int, Tensor] = {}
        for draw in range(noise.draws if noise else 1):
            generators = [clip_generator(f"{name}/{draw}", noise.seed if noise else 0) for name in names]
            found = [self._forward(taken[:, piece], layers, noise, generators) for piece in pieces]
            for layer in layers:
                values = torch.cat([one[layer] for one in found], 1)
                dtype = values.dtype
                values = values.float() if noise and noise.draws > 1 else values
                total[layer] = values if layer not in total else total[layer] + values
        if noise and noise.draws > 1:
            total = {layer: (values / noise.draws).to(dtype) for layer, values in total.items()}
        slots = SlotMap(tuple(tuple(piece[k] for k in seen) for piece in pieces for seen in self.slots(len(piece))))
        return total, slots

    def take(self, video: UInt8[Tensor, "*clip time 3 height width"]) -> UInt8[Tensor, "*clip taken 3 height width"]:
        """Take the frames that the model is meant to see.

        Raises:
            ValueError: the clip has fewer.
        """
        if self.frames is None:
            return video
        if (length := video.shape[-4]) < self.frames:
            raise ValueError(f"{self.name} takes {self.frames} frames, the clip has {length}: give a longer one")
        return video[..., : self.frames, :, :, :]

    def check(self, layers: Sequence[int], noise: Noise | None) -> None:
        """Refuse layers that are not there, and a noise level where none is taken, or none where one is.

        Raises:
            ValueError: so it is.
        """
        if unknown := [layer for layer in layers if not 0 <= layer < len(self.blocks)]:
            raise ValueError(f"{self.name} has no layer {unknown[0]}: its blocks are 0 to {len(self.blocks) - 1}")
        if self.noisy and noise is None:
            raise ValueError(f"{self.name} is a diffusion model: give a noise level, sigma from 0 to 1")
        if noise is not None and not self.noisy:
            raise ValueError(f"{self.name} is no diffusion model and takes no noise level: leave sigma out")

    def key(self, layer: int, noise: Noise | None = None) -> str:
        """Name what determines the features of a clip: weights, size, frames, layer, noise."""
        facts = {
            "weights": self.digest(),
            "size": self.size,
            "frames": self.frames,
            "noise": noise and asdict(noise),
            **self.settings(),
        }
        text = json.dumps(facts, sort_keys=True, default=str)
        return f"{self.name}/layer{layer}/{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def digest(self) -> str:
        """Hash the weights: names, shapes, and up to 4096 values of each."""
        digest = hashlib.sha256()
        for name, weight in self.state_dict().items():
            flat = weight.detach().flatten()
            digest.update(f"{name}{tuple(weight.shape)}{weight.dtype}".encode())
            digest.update(flat[:: max(1, len(flat) // SAMPLED)].float().cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def _forward(
        self,
        frames: UInt8[Tensor, "clip time 3 height width"],
        layers: Sequence[int],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> dict[int, Float[Tensor, "clip slot rows cols channel"]]:
        weight, at_once = next(self.parameters()), len(frames) if self.batched else 1
        found: dict[int, list[Tensor]] = {layer: [] for layer in layers}
        for first in range(0, len(frames), at_once):
            part = slice(first, first + at_once)
            video = resize_frames(frames[part].to(weight.device).flatten(0, 1), self.size)
            with capture({layer: self.blocks[layer] for layer in layers}, self.video_entry) as outputs:
                self.run(video.to(weight).unflatten(0, (-1, frames.shape[1])), noise, generators[part])
            for layer in layers:
                found[layer].append(self.grid(outputs[layer], frames.shape[1]))
        return {layer: torch.cat(grids) for layer, grids in found.items()}


def resize_frames(
    frames: UInt8[Tensor, "time 3 height width"], size: tuple[int, int]
) -> Float[Tensor, "time 3 rows cols"]:
    """Resize frames to (height, width), bicubic with antialiasing, to values in 0 to 1."""
    scaled = frames.float() / 255
    if scaled.shape[-2:] == size:
        return scaled
    return interpolate(scaled, size, mode="bicubic", antialias=True).clamp(0, 1)


@contextmanager
def capture(blocks: Mapping[int, nn.Module], entry: int = 0) -> Iterator[dict[int, Tensor]]:
    """Record what modules give while the block runs; of a tuple, one entry."""
    outputs: dict[int, Tensor] = {}

    def record(layer: int) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            outputs[layer] = output[entry] if isinstance(output, tuple) else output

        return hook

    handles = [block.register_forward_hook(record(layer)) for layer, block in blocks.items()]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def whole_clip(frames: int) -> list[list[int]]:
    """Take a clip in one forward."""
    return [list(range(frames))]


def causal_slots(frames: int, stride: int = 4) -> list[list[int]]:
    """Group frames as a causal video autoencoder does: the first alone, then `stride` at a time.

    Raises:
        ValueError: frames are left over.
    """
    if (frames - 1) % stride:
        raise ValueError(
            f"a causal video autoencoder takes 1 + {stride}k frames, got {frames}: "
            f"take {1 + (frames - 1) // stride * stride}"
        )
    return [[0], *([*range(k, k + stride)] for k in range(1, frames, stride))]


def tubelet_slots(frames: int, tubelet: int) -> list[list[int]]:
    """Group frames `tubelet` at a time.

    Raises:
        ValueError: frames are left over.
    """
    if frames % tubelet:
        raise ValueError(
            f"the model takes {tubelet} frames at a time, got {frames}: take {frames // tubelet * tubelet}"
        )
    return [[*range(k, k + tubelet)] for k in range(0, frames, tubelet)]
