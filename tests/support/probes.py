"""A toy extractor and toy clips: features that say which frames a slot has seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from lightning import Trainer
from torch import Tensor, nn

from probes.clips.clip_sets import ClipSet, WorldClips
from probes.extractors.extractor import Extractor, tubelet_slots, whole_clip
from probes.extractors.noise import Noise
from scenes.worlds import WorldConfig


class MeanExtractor(Extractor):
    """Gives each slot of two frames the mean value of their pixels, plus the mean of the whole clip as context."""

    def __init__(self, noisy: bool = False, frames: int | None = None) -> None:
        super().__init__("mean", (4, 4), frames)
        self.noisy = noisy
        self.scale = nn.Parameter(torch.ones(()))
        self.layers = nn.ModuleList([nn.Identity(), nn.Identity()])

    @property
    def blocks(self) -> Sequence[nn.Module]:
        return list(self.layers)

    def windows(self, frames: int) -> list[list[int]]:
        return whole_clip(frames)

    def slots(self, frames: int) -> list[list[int]]:
        return tubelet_slots(frames, 2)

    def run(self, video: Tensor, noise: Noise | None, generators: Sequence[torch.Generator]) -> None:
        if noise is not None:
            video = noise.add(video, generators)
        slots = video.unflatten(1, (-1, 2)).mean((2, 3, 4, 5))
        slots = self.layers[0](slots)
        self.layers[1](torch.stack([slots, slots.mean(1, keepdim=True).expand_as(slots)], -1))

    def grid(self, output: Tensor, frames: int) -> Tensor:
        values = output if output.ndim == 3 else output[..., None]
        return values[:, :, None, None].expand(-1, -1, 2, 2, -1)


def toy_clips(tmp_path: object, **changes: object) -> ClipSet:
    """Make a few tiny worlds at rest."""
    options: dict[str, object] = {
        "world": WorldConfig(height=16, width=16, frames=4, objects=(2, 3), cameras=("orbit",)),
        "seeds": {"train": (0, 6), "val": (6, 8), "test": (8, 10)},
        "frames": [0, 2],
        "size": (8, 8),
        "stores": str(tmp_path),
        **changes,
    }
    return WorldClips(**options)  # type: ignore[arg-type]


def trainer(tmp_path: Path, steps: int, accelerator: str = "cpu") -> Trainer:
    return Trainer(
        accelerator=accelerator,
        max_steps=steps,
        max_epochs=-1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=tmp_path,
    )
