"""Answering questions about regions of clips with a trained SR-3D."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from models.checkpoint_registry import checkpoint_folder
from models.geometry import PointMap
from models.regions import Region
from models.sr3d.bases.nvila import load_nvila_lite, load_nvila_lite_processor
from models.sr3d.inputs.mentions import renumber
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.inputs.sample import Sample
from models.sr3d.model import SR3DForConditionalGeneration


@runtime_checkable
class Footage(Protocol):
    """What an answer needs of a clip: frames, timestamps (seconds), and geometry where it is known."""

    @property
    def video(self) -> UInt8[Tensor, "time 3 height width"]:
        """Frames."""

    @property
    def seconds(self) -> Float[Tensor, "time"]:
        """Timestamps of the frames, in seconds."""

    @property
    def world_T_cam(self) -> Float[Tensor, "time 4 4"] | None:
        """Camera poses: OpenCV camera axes to a z-up world."""

    @property
    def metric(self) -> bool:
        """Whether points and poses are in metres; otherwise their scale is unknown."""

    def points(self) -> PointMap | None:
        """Points of the visible surfaces, in the world where poses are known."""


@dataclass(frozen=True)
class Query:
    """A question with `<region0>`, `<region1>`, ... about the regions of a clip."""

    clip: Footage
    regions: Sequence[Region]
    text: str


class Answerer:
    """A model with its processor, answering in batches by greedy decoding."""

    def __init__(self, model: SR3DForConditionalGeneration, processor: SR3DProcessor) -> None:
        self.model = model.eval()
        self.processor = processor

    @classmethod
    def from_folder(cls, folder: str | Path, device: str | None = None) -> Answerer:
        """Load an exported checkpoint, or an NVILA-Lite folder (then with untrained regions and positions).

        Raises:
            ValueError: the folder does not hold an SR-3D.
        """
        folder = checkpoint_folder(folder)
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if (folder / "llm").is_dir():
            model, processor = load_nvila_lite(folder)
            return cls(model.to(device), processor)
        if not (folder / "config.json").is_file():
            raise ValueError(
                f"no SR-3D checkpoint in '{folder}' (config.json is missing): train one with `region4d train "
                "experiment=sr3d/tiny_static`, or name sr3d_tiny_3d or an NVILA-Lite folder"
            )
        model = SR3DForConditionalGeneration.from_pretrained(folder).to(device)
        return cls(model, SR3DProcessor.from_pretrained(folder))

    @staticmethod
    def video_frames(folder: str | Path) -> int | None:
        """Read how many frames of a video a checkpoint was trained with; None where it does not say."""
        folder = checkpoint_folder(folder)
        if not (folder / "llm").is_dir():
            return SR3DProcessor.from_pretrained(folder).video_frames if (folder / "config.json").is_file() else None
        return load_nvila_lite_processor(folder).video_frames

    def answer(self, queries: Sequence[Query], batch_size: int = 64, max_new_tokens: int = 16) -> Iterator[str]:
        """Answer in the order of the queries, one text each."""
        for start in range(0, len(queries), batch_size):
            yield from self._answer_batch(queries[start : start + batch_size], max_new_tokens)

    @torch.inference_mode()
    def _answer_batch(self, queries: Sequence[Query], max_new_tokens: int) -> list[str]:
        groups = [list(group) for _, group in groupby(queries, key=lambda query: id(query.clip))]
        samples = [self._prepare(group) for group in groups]
        batch = self.processor.collate(samples, packed=False, pad_side="left").to(self.model.device)
        tokens = self.model.generate(**batch, max_new_tokens=max_new_tokens, do_sample=False)
        new = tokens[:, batch["input_ids"].shape[1] :]
        return [text.strip() for text in self.processor.batch_decode(new, skip_special_tokens=True)]

    def _prepare(self, queries: Sequence[Query]) -> Sample:
        """Prepare a clip once for all its questions; a region that several questions point at is packed once."""
        clip = queries[0].clip
        regions = {id(region): region for query in queries for region in query.regions}
        place = {key: number for number, key in enumerate(regions)}
        return self.processor.prepare(
            video=clip.video,
            points=clip.points(),
            world_T_cam=clip.world_T_cam,
            seconds=clip.seconds,
            scale_known=clip.metric,
            regions=list(regions.values()),
            questions=[renumber(query.text, [place[id(region)] for region in query.regions]) for query in queries],
        )
