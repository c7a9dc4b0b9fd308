"""The base of every extractor: run a frozen model on frames of a clip and read the output of some of its blocks."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn.functional import interpolate

from probes.clips.seeding import clip_generator
from probes.extractors.noise import Noise
from probes.extractors.offloading import Offload, Visitor, bring_rest, check_offload, stream
from probes.extractors.slots import Features, SlotMap

DIGEST_VALUES = 4096  # values of each weight that enter the digest, at most


class Extractor(nn.Module, ABC):
    """A frozen model that turns a clip into features on a grid, behind each of its blocks.

    A family defines the modules that can be read (`blocks`), the frames of each forward (`windows`), the forward itself
    (`run`), the frames that each slot encodes (`slots`), and the grid of a block's tokens (`grid`).

    Args:
        name: name of the model in tables and stores.
        size: height and width in pixels that frames are resized to, whatever their aspect ratio.
        frames: number of frames that are used, from the first on; None uses all.
    """

    tiled = False  # whether an autoencoder encodes in tiles, which changes features a little
    placed: torch.device | None = None  # where it runs, once `place` has said so
    noisy = False  # whether it is a diffusion model, which needs a noise level
    batched = False  # whether `run` accepts several clips at once; large models accept one
    video_entry = 0  # index of the video tokens where a block returns a tuple (the other entry is text)

    def __init__(self, name: str, size: Sequence[int], frames: int | None = None) -> None:
        super().__init__()
        self.name, self.size, self.frames = name, (int(size[0]), int(size[1])), frames

    @property
    @abstractmethod
    def blocks(self) -> Sequence[nn.Module]:
        """The modules that can be read, in order of depth; layer k is the output of `blocks[k]`."""

    @abstractmethod
    def windows(self, frames: int) -> list[list[int]]:
        """List the frames of a clip that each forward runs on.

        Raises:
            ValueError: If the model cannot process a clip of `frames` frames.
        """

    @abstractmethod
    def slots(self, frames: int) -> list[list[int]]:
        """List, for each slot, the frames that it encodes, counted within one forward of `frames` frames."""

    @abstractmethod
    def run(
        self,
        video: Float[Tensor, "clip time 3 height width"],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> None:
        """Run the model once on frames in 0 to 1, on its device and in its dtype; hooks record its blocks.

        There is one clip unless the model is `batched`; each has its own generator.
        """

    @abstractmethod
    def grid(self, output: Tensor, frames: int) -> Float[Tensor, "clip slot rows cols channel"]:
        """Reshape the output of a block, for one forward of `frames` frames of each clip, to the grid."""

    @property
    def device(self) -> torch.device:
        """Where the forward runs: some weights may wait elsewhere."""
        return self.placed or next(self.parameters()).device

    def place(self, device: torch.device | str, tiling: bool = False, offload: str | None = None) -> None:
        """Bring the model to a device, for as little of its memory as wanted.

        Args:
            device: where the forward runs.
            tiling: whether the autoencoder encodes the frames in overlapping tiles; the features then differ a little,
                and have another key.
            offload: "parts": the autoencoder and the transformer are there in turns; "blocks": so are the blocks of
                the transformer, one at a time; None: everything is there.

        Raises:
            ValueError: If `offload` is unknown, or the model has no autoencoder to tile or to take turns with.
        """
        offload = check_offload(offload)
        if tiling:
            self.tile()
        self.placed = torch.device(device)
        if visitors := self.waiting(self.placed, offload):
            bring_rest(self, visitors, self.placed)
        else:
            self.to(self.placed)

    def tile(self) -> None:
        """Encode in tiles.

        Raises:
            ValueError: If the model has no autoencoder.
        """
        raise ValueError(f"{self.name} has no autoencoder: leave tiling out")

    def waiting(self, device: torch.device, offload: Offload | None) -> list[Visitor]:
        """Let parts of the model wait on the CPU for their turn on the device; return them.

        Raises:
            ValueError: If the model has no parts that can take turns.
        """
        if offload == "parts":
            raise ValueError(f"{self.name} has no autoencoder to take turns with: choose offload=blocks, or none")
        blocks = [block for block in self.blocks if any(True for _ in block.parameters())]
        return stream(blocks, device) if offload == "blocks" else []

    @property
    def input_dtype(self) -> torch.dtype:
        """The type of the frames that `run` gets: that of the first weight."""
        return next(self.parameters()).dtype

    def settings(self) -> Mapping[str, Any]:
        """List further options that determine the features; they are part of the key of a store."""
        return {}

    def extract(
        self,
        video: UInt8[Tensor, "time 3 height width"],
        layers: Sequence[int],
        noise: Noise | None = None,
        clip: str = "",
    ) -> dict[int, Features]:
        """Extract the features of some layers on the CPU, in the dtype of the model; the same bytes every time.

        The noise depends on the name of the `clip`: sharing one noise sample across clips would let a probe learn it.

        Raises:
            ValueError: If a layer does not exist, the clip is too short, or the noise level is missing or unwanted.
        """
        extracted, slots = self.extract_many(video[None], layers, noise, [clip])
        return {layer: Features(values[0].cpu(), slots) for layer, values in extracted.items()}

    @torch.no_grad()
    def extract_many(
        self,
        videos: UInt8[Tensor, "clip time 3 height width"],
        layers: Sequence[int],
        noise: Noise | None,
        names: Sequence[str],
    ) -> tuple[dict[int, Float[Tensor, "clip slot rows cols channel"]], SlotMap]:
        """Extract the features of clips of equal length, and leave them on the device of the model; see `extract`.

        Where the model is `batched`, the last digits depend on the composition of the batch.
        """
        self.check(layers, noise)
        used = self.used_frames(videos)
        windows = self.windows(used.shape[1])
        samples = noise.samples if noise else 1
        total: dict[int, Tensor] = {}
        for sample in range(samples):
            generators = [clip_generator(f"{name}/{sample}", noise.seed if noise else 0) for name in names]
            outputs = [self._forward(used[:, window], layers, noise, generators) for window in windows]
            for layer in layers:
                values = torch.cat([output[layer] for output in outputs], 1)
                dtype = values.dtype
                values = values.float() if samples > 1 else values
                total[layer] = values if layer not in total else total[layer] + values
        if samples > 1:
            total = {layer: (values / samples).to(dtype) for layer, values in total.items()}
        return total, self.slot_map(used.shape[1])

    def slot_map(self, frames: int) -> SlotMap:
        """Map the slots of all windows of a clip of `frames` frames to frames of that clip."""
        slots = (tuple(window[k] for k in slot) for window in self.windows(frames) for slot in self.slots(len(window)))
        return SlotMap(tuple(slots))

    def used_frames(
        self, video: UInt8[Tensor, "*clip time 3 height width"]
    ) -> UInt8[Tensor, "*clip used 3 height width"]:
        """Keep the frames that the model runs on.

        Raises:
            ValueError: If the clip has fewer frames.
        """
        if self.frames is None:
            return video
        if (length := video.shape[-4]) < self.frames:
            raise ValueError(f"{self.name} takes {self.frames} frames, the clip has {length}: give a longer one")
        return video[..., : self.frames, :, :, :]

    def check(self, layers: Sequence[int], noise: Noise | None) -> None:
        """Check the layers and the noise level before anything is extracted.

        Raises:
            ValueError: If a layer does not exist, a diffusion model gets no noise level, or another model gets one.
        """
        if unknown := [layer for layer in layers if not 0 <= layer < len(self.blocks)]:
            raise ValueError(f"{self.name} has no layer {unknown[0]}: its blocks are 0 to {len(self.blocks) - 1}")
        if self.noisy and noise is None:
            raise ValueError(f"{self.name} is a diffusion model: give a noise level, sigma from 0 to 1")
        if noise is not None and not self.noisy:
            raise ValueError(f"{self.name} is not a diffusion model and takes no noise level: leave sigma out")

    def key(self, layer: int, noise: Noise | None = None) -> str:
        """Name everything that determines the features of a clip: weights, size, frames, layer, noise."""
        facts = {
            "weights": self.digest(),
            "size": self.size,
            "frames": self.frames,
            "noise": noise and noise.identity(),
            **({"tiled": True} if self.tiled else {}),
            **self.settings(),
        }
        text = json.dumps(facts, sort_keys=True, default=str)
        return f"{self.name}/layer{layer}/{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def digest(self) -> str:
        """Hash the weights: names, shapes, dtypes, and up to 4096 values of each."""
        digest = hashlib.sha256()
        for name, weight in self.state_dict().items():
            flat = weight.detach().flatten()
            digest.update(f"{name}{tuple(weight.shape)}{weight.dtype}".encode())
            digest.update(flat[:: max(1, len(flat) // DIGEST_VALUES)].float().cpu().numpy().tobytes())
        return digest.hexdigest()[:16]

    def _forward(
        self,
        frames: UInt8[Tensor, "clip time 3 height width"],
        layers: Sequence[int],
        noise: Noise | None,
        generators: Sequence[torch.Generator],
    ) -> dict[int, Float[Tensor, "clip slot rows cols channel"]]:
        at_once = len(frames) if self.batched else 1
        dtype = self.input_dtype
        grids: dict[int, list[Tensor]] = {layer: [] for layer in layers}
        for first in range(0, len(frames), at_once):
            part = slice(first, first + at_once)
            video = resize_bicubic(frames[part].to(self.device).flatten(0, 1), self.size)
            blocks = self.blocks
            with capture({layer: blocks[layer] for layer in layers}, self.video_entry) as outputs:
                self.run(video.to(dtype).unflatten(0, (-1, frames.shape[1])), noise, generators[part])
            for layer in layers:
                grids[layer].append(self.grid(outputs[layer], frames.shape[1]))
        return {layer: torch.cat(parts) for layer, parts in grids.items()}


def resize_bicubic(
    frames: UInt8[Tensor, "time 3 height width"], size: tuple[int, int]
) -> Float[Tensor, "time 3 rows cols"]:
    """Resize frames to (height, width) by antialiased bicubic interpolation, and scale values to 0 to 1."""
    scaled = frames.float() / 255
    if scaled.shape[-2:] == size:
        return scaled
    return interpolate(scaled, size, mode="bicubic", antialias=True).clamp(0, 1)


class _AllRead(Exception):  # no error: it ends a forward
    pass


@contextmanager
def capture(blocks: Mapping[int, nn.Module], entry: int = 0) -> Iterator[dict[int, Tensor]]:
    """Record the first outputs of modules within a `with` block, and end the block with the last of them.

    No network runs further than its deepest module that is read. Of a tuple, one entry is recorded.
    """
    outputs: dict[int, Tensor] = {}

    def record(layer: int) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            outputs[layer] = output[entry] if isinstance(output, tuple) else output
            if len(outputs) == len(blocks):
                raise _AllRead

        return hook

    handles = [block.register_forward_hook(record(layer)) for layer, block in blocks.items()]
    try:
        yield outputs
    except _AllRead:
        pass
    finally:
        for handle in handles:
            handle.remove()


def whole_clip(frames: int) -> list[list[int]]:
    """Run a clip in one forward."""
    return [list(range(frames))]


def causal_slots(frames: int, stride: int = 4) -> list[list[int]]:
    """Group frames as a causal video autoencoder does: the first alone, then `stride` at a time.

    Raises:
        ValueError: If the frames do not divide into such groups.
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
        ValueError: If the frames do not divide into such groups.
    """
    if frames % tubelet:
        raise ValueError(
            f"the model takes {tubelet} frames at a time, got {frames}: take {frames // tubelet * tubelet}"
        )
    return [[*range(k, k + tubelet)] for k in range(0, frames, tubelet)]
