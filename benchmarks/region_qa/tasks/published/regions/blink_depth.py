"""BLINK's relative depth: which of two points of a picture is nearer to the camera."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from benchmarks.region_qa.tasks.media import Mark, Media
from benchmarks.region_qa.tasks.published.annotations import Row
from benchmarks.region_qa.tasks.published.downloaded import DownloadedTask
from benchmarks.region_qa.tasks.published.regions.marks import read_marks
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import Question

ASKED = "Which of the two regions is closer to the camera: (A) <region0> or (B) <region1>?"
MARKS = {"drawn": "points drawn by the benchmark", "regions": "boxes or points"}


@dataclass(frozen=True)
class EncodedPicture:
    """A picture whose file is in memory."""

    name: str
    data: bytes

    def read(self) -> Clip:
        """Decode the picture.

        Raises:
            ValueError: it is not a picture, or is damaged.
        """
        try:
            pixels = np.array(Image.open(io.BytesIO(self.data)).convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise ValueError(f"the picture of item {self.name} cannot be read: {error}") from None
        return Clip(torch.from_numpy(pixels).permute(2, 0, 1)[None], torch.zeros(1), name=self.name)


class BlinkDepth(DownloadedTask):
    """BLINK (arXiv 2404.12390), Relative_Depth: val-00000-of-00001.parquet, which has pictures inside.

    A row has `idx`, `prompt` (question with options), `choices`, `answer` ("(A)") and `image_1` (its bytes, or a path
    in the folder). Points A and B are drawn on the pictures; the files have no coordinates.

    Args:
        marks: "drawn" asks the benchmark's prompt about its pictures; "regions" asks about a region at each point.
        regions: with marks="regions", file in the folder of rows of `id` and `regions`: two boxes or points (pixels).
        downloaded: see `DownloadedTask`.
    """

    prompt = "of the benchmark"

    def __init__(self, *, marks: str = "drawn", regions: str | None = None, **downloaded: Any) -> None:
        if marks not in MARKS:
            raise ValueError(f"marks={marks} is unknown: choose one of {', '.join(MARKS)}")
        self.drawn, self.regions_file, self.regions = marks == "drawn", regions, MARKS[marks]
        self.prompt = self.prompt if self.drawn else "closer region, options"
        super().__init__(**downloaded)

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout, has no answer (those of the test split), or has not two regions.
        """
        given: Mapping[str, Sequence[Mark]] = {}
        if not self.drawn:
            if self.regions_file is None:
                raise ValueError("the published files have no coordinates: give task.regions=FILE, or task.marks=drawn")
            given = read_marks(self.folder / self.regions_file)
        rows = self.rows(("idx", "prompt", "choices", "answer", "image_1"))
        return self.items_of(rows, lambda name, row: self._item(name, row, given.get(name, ())), "idx")

    def _item(self, name: str, row: Row, marks: Sequence[Mark]) -> Item:
        options = tuple(map(str, row["choices"]))
        answer = str(row["answer"]).strip("() ")
        if answer not in ascii_uppercase[: len(options)] or not answer:
            raise ValueError(f"its answer is '{row['answer']}': the answers of the test split are hidden")
        if not self.drawn and len(marks) != 2:
            raise ValueError(f"{self.regions_file} has {len(marks)} regions of it, expected 2")
        text = str(row["prompt"]) if self.drawn else ASKED
        question = Question("Relative_Depth", text, answer, options)
        return Item(name, name, self._picture(name, row["image_1"]), list(marks), question)

    def _picture(self, name: str, picture: Any) -> Media:
        if isinstance(picture, str):
            return self.footage(picture)
        if not isinstance(picture, Mapping) or not isinstance(picture.get("bytes"), bytes):
            raise ValueError("it has no picture in image_1")
        return self.with_depth(EncodedPicture(name, picture["bytes"]))
