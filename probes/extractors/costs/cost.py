"""What a published extractor costs on a clip: `region4d records extractors`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from probes.extractors.costs.meter import Meter
from probes.extractors.costs.skeletons import META, bytes_of, class_of, count_parameters, skeleton
from probes.extractors.diffusion.latent_diffusion import LatentDiffusion
from probes.extractors.extractor import Extractor, causal_slots
from probes.extractors.noise import noise_level
from probes.extractors.table import CONFIGS

CLIP = 81  # frames of a clip where an extractor takes any number: a window of CO3D
CARDS = (24, 40, 80)  # GB of memory
RESERVED = 1.5  # GB of a card that CUDA, its libraries and gaps between tensors take
ENCODING, DENOISING, WHOLE = "encoding", "denoising", "all"  # stages of memory


@dataclass(frozen=True)
class Cost:
    """The cost of one clip. Bytes of weights and of what a forward allocates; floating point operations.

    Args:
        parameters: weights of all networks but the text encoder, which runs once, on the CPU.
        dtype: type of the transformer's weights.
        frames: frames of the clip.
        weights: bytes by part: vae, transformer; or all.
        largest_block: bytes of the largest block that is read or passed.
        blocks: bytes of all blocks.
        activations: peak bytes by stage, encoding and denoising; or all.
        tiled_encoding: peak bytes of encoding in tiles; None without an autoencoder.
        operations: of the whole forward.
        stopped: of the forward that stops at the deepest layer of the configuration.
    """

    parameters: int
    dtype: str
    frames: int
    size: tuple[int, int]
    weights: Mapping[str, int]
    largest_block: int
    blocks: int
    activations: Mapping[str, int]
    operations: int
    stopped: int
    tiled_encoding: int | None = None
    layers: tuple[int, ...] = field(default=())

    @property
    def saved(self) -> float:
        """Share of the operations that the stop saves."""
        return 1 - self.stopped / self.operations

    def peaks(self) -> dict[str, float]:
        """Estimate the peak in GB under each way to place the model, from the fastest to the most frugal."""
        weights, streamed = sum(self.weights.values()), self.largest_block - self.blocks
        if self.tiled_encoding is None:
            peaks = {"as it is": weights + self.activations[WHOLE]}
            return scaled(peaks | {"offload=blocks": weights + streamed + self.activations[WHOLE]})
        encoding, denoising = self.activations[ENCODING], self.activations[DENOISING]
        turn, other = self.weights["vae"] + self.tiled_encoding, self.weights["transformer"] + denoising
        return scaled(
            {
                "as it is": weights + max(encoding, denoising),
                "tiling=true": weights + max(self.tiled_encoding, denoising),
                "tiling=true offload=parts": max(turn, other),
                "tiling=true offload=blocks": max(turn, other + streamed),
            }
        )

    def fit(self, card: int) -> str:
        """Name the fastest way that fits a card of so many GB; "no" where none does."""
        return next((way for way, peak in self.peaks().items() if peak <= card - RESERVED), "no")

    def record(self) -> dict[str, Any]:
        """Return all facts, for a file."""
        return asdict(self)


def scaled(peaks: Mapping[str, int]) -> dict[str, float]:
    """Convert bytes to GB."""
    return {way: size / 1e9 for way, size in peaks.items()}


def cost_of(config: Mapping[str, Any]) -> Cost:
    """Count the cost of an extractor from its file in configs/extractor."""
    build, dtype = dict(config["build"]), dtype_of(config)
    target = build.pop("_target_")
    extractor = skeleton(target, build, config["sizes"], dtype)
    vae = getattr(extractor, "vae", None)
    layers, sigma, frames = tuple(config["layers"]), config["sigma"], extractor.frames or CLIP
    stage = WHOLE if vae is None else DENOISING
    stopped = measured(extractor, frames, sigma, layers)
    whole = measured(extractor, frames, sigma).by_stage[stage]
    tiled = None
    if isinstance(extractor, LatentDiffusion):
        extractor.tile()
        tiled = encoding_alone(extractor, frames)
    weights, blocks = bytes_of(extractor), [bytes_of(block) for block in extractor.blocks]
    return Cost(
        parameters=count_parameters(extractor),
        dtype=str(dtype).removeprefix("torch."),
        frames=frames,
        size=extractor.size,
        weights={WHOLE: weights} if vae is None else {"vae": bytes_of(vae), "transformer": weights - bytes_of(vae)},
        largest_block=max(blocks),
        blocks=sum(blocks),
        activations=stopped.memory.peak,
        operations=stopped.operations - stopped.by_stage[stage] + whole,
        stopped=stopped.operations,
        tiled_encoding=tiled,
        layers=layers,
    )


def dtype_of(config: Mapping[str, Any]) -> torch.dtype:
    """Read the type of the weights of an extractor: that of its file, or the default of its class."""
    given = config["build"].get("dtype")
    if given is not None:
        named: torch.dtype = getattr(torch, given["path"].partition(".")[2])
        return named
    loading = class_of(config["build"]["_target_"]).from_pretrained  # type: ignore[attr-defined]
    default: torch.dtype = inspect.signature(loading).parameters["dtype"].default
    return default


def measured(extractor: Extractor, frames: int, sigma: float | None, layers: tuple[int, ...] = ()) -> Meter:
    """Run all windows of a clip; without layers, to the end of the network, from latents that are there already."""
    meter, noise, method = Meter(), noise_level(sigma), "run"
    meter.memory.stage = WHOLE
    if isinstance(extractor, LatentDiffusion):
        meter.memory.stage, method = ENCODING, "denoise"
        if not layers:
            extractor.encode = latents_of(extractor)  # type: ignore[method-assign, assignment]
    stage = DENOISING if method == "denoise" else WHOLE
    setattr(extractor, method, meter.staged(stage, getattr(extractor, method)))
    try:
        with META, meter.running():
            video = torch.empty(1, frames, 3, *extractor.size, dtype=torch.uint8)
            for window in extractor.windows(frames):
                if layers:
                    extractor._forward(video[:, window], layers, noise, [torch.Generator("cpu")])
                else:
                    pixels = video[:, window].to(extractor.input_dtype)
                    extractor.run(pixels, noise, [torch.Generator("cpu")])
    finally:
        for name in {method, "encode"} & set(vars(extractor)):
            delattr(extractor, name)
    return meter


def latents_of(extractor: LatentDiffusion) -> Callable[[Tensor], Tensor]:
    """Encode a few pixels, and tell by them the latents of any frames: those of a real encoding take minutes."""
    rows, cols = extractor.size
    cell = extractor.cell
    few = extractor.encode(torch.empty(1, 3, 1, cell, cell, dtype=extractor.input_dtype, device=META))
    side = cell // few.shape[-1]

    def encode(pixels: Tensor) -> Tensor:
        slots = len(causal_slots(pixels.shape[2], extractor.stride))
        return few.new_empty(1, few.shape[1], slots, rows // side, cols // side)

    return encode


def encoding_alone(extractor: LatentDiffusion, frames: int) -> int:
    """Return the peak bytes of encoding the first window of a clip."""
    meter, noise = Meter(), noise_level(0.5)
    extractor.denoise = lambda *_: None  # type: ignore[method-assign, assignment]
    try:
        with META, meter.running():
            window = extractor.windows(frames)[0]
            pixels = torch.empty(1, len(window), 3, *extractor.size, dtype=extractor.input_dtype)
            extractor.run(pixels, noise, [torch.Generator("cpu")])
    finally:
        del extractor.denoise
    return meter.memory.peak[""]


def costs(folder: Path = CONFIGS) -> dict[str, Mapping[str, Any]]:
    """Read the files of a folder that have published sizes."""
    files = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))}
    return {name: config for name, config in files.items() if "sizes" in config}
