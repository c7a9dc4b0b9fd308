"""R4D-Bench: multiple choice about marked regions of videos."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.region_qa.tasks.media import Mark, Media
from benchmarks.region_qa.tasks.published.annotations import Row
from benchmarks.region_qa.tasks.published.downloaded import DownloadedTask
from benchmarks.region_qa.tasks.published.options import letter_of, listed
from benchmarks.region_qa.tasks.published.regions.marks import mark_of, of_question, read_marks
from benchmarks.region_qa.tasks.task import Item
from scenes.clip import Clip
from scenes.questions import Question
from scenes.readers.open_clip import open_clip

MARKS = {"drawn": "drawn by the benchmark", "regions": "boxes or masks"}
FORMAT = "Answer with the option's letter from the given choices directly."
_OBJECT = re.compile(r"<obj_(\d+)>")


@dataclass(frozen=True)
class FirstFrame:
    """Footage whose first frame is replaced by a picture, such as the same frame with marks drawn on it."""

    footage: Media
    picture: Path

    def read(self) -> Clip:
        """Read the clip; a picture of another size is resized to that of the frames."""
        clip, first = self.footage.read(), open_clip(self.picture).video[0]
        if first.shape != clip.video.shape[1:]:
            picture = Image.fromarray(first.permute(1, 2, 0).numpy()).resize((clip.size[1], clip.size[0]))
            first = torch.from_numpy(np.array(picture)).permute(2, 0, 1)
        clip.video[0] = first
        return clip


class R4dBench(DownloadedTask):
    """R4D-Bench (4D-RGPT, arXiv 2512.17012): test.json, videos and pictures by path.

    A row has `id`, `task`, `video`, `som_image` (the first frame with its marks), `question` (which mentions
    `<obj_1>`, ...), `options` and `answer` (the text of the right one). The published files have marks in pictures, but
    no boxes and no masks.

    Args:
        marks: "drawn" shows the first frame with the benchmark's own marks, and leaves `<obj_1>` in the text; "regions"
            hands boxes or masks to the model, which points at them in its own way (region tokens, or its own marks).
        regions: file in the folder for marks="regions", rows of `id` and `regions`: for `<obj_1>`, `<obj_2>`, ... a box
            (x0, y0, x1, y1; pixels of the first frame) or COCO's `segmentation`. Rows of questions may have `regions`
            instead.
        downloaded: see `DownloadedTask`.
    """

    prompt = "question, options, format"

    def __init__(self, *, marks: str = "drawn", regions: str | None = None, **downloaded: Any) -> None:
        if marks not in MARKS:
            raise ValueError(f"marks={marks} is unknown: choose one of {', '.join(MARKS)}")
        self.drawn, self.regions_file, self.regions = marks == "drawn", regions, MARKS[marks]
        super().__init__(**downloaded)

    def items(self) -> Iterator[Item]:
        """Read one question after the other.

        Raises:
            ValueError: a row is not in the layout, or regions are asked for and it has none.
        """
        given = read_marks(self.folder / self.regions_file) if self.regions_file and not self.drawn else {}
        rows = self.rows(("id", "task", "video", "som_image", "question", "options", "answer"))
        return self.items_of(rows, lambda name, row: self._item(name, row, given.get(name, [])), "id")

    def _item(self, name: str, row: Row, given: Sequence[Mark]) -> Item:
        options = tuple(map(str, row["options"]))
        media = self.footage(str(row["video"]))
        text, marks = str(row["question"]), list[Mark]()
        if self.drawn:
            media = FirstFrame(media, self.folder / str(row["som_image"]))
        else:
            given = list(map(mark_of, row["regions"])) if "regions" in row else given
            if not given:
                raise ValueError(
                    "it has no regions: the published files have none; give task.regions=FILE with boxes or masks, or "
                    "task.marks=drawn"
                )
            objects = _OBJECT.sub(lambda found: f"<region{int(found[1]) - 1}>", text)
            text, marks, _ = of_question(objects, given)
        text = "\n".join([text, "Options:", *listed(options), FORMAT])
        answer = letter_of(str(row["answer"]), options)
        question = Question(str(row["task"]), text, answer, options)
        return Item(name, str(row["video"]), media, marks, question)
