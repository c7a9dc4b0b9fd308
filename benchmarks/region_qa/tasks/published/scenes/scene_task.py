"""What benchmarks of scanned rooms share: a folder of scans, and scores of texts against references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.records.record import Record
from benchmarks.region_qa.corpus_scores.captions import CAPTION_SCORES, caption_scores, check_tokenizer
from benchmarks.region_qa.corpus_scores.score import CorpusScore
from benchmarks.region_qa.tasks.media import Media
from benchmarks.region_qa.tasks.published.downloaded import DownloadedTask
from benchmarks.region_qa.tasks.published.scenes.scans import ScannedScene


class SceneTask(DownloadedTask):
    """Questions about, or descriptions of, scans of ScanNet.

    Args:
        scenes: folder of the scans, one folder or video each.
        tokenizer: what splits words for BLEU, ROUGE-L, CIDEr and METEOR: "blanks", as Video-3D-LLM does, or "ptb", as
            COCO's evaluation does (needs Java and pycocoevalcap).
        downloaded: see `DownloadedTask`.
    """

    corpus_metrics = CAPTION_SCORES
    has_boxes = False  # in 3D, for which each scan needs its own depth and poses

    def __init__(self, *, scenes: str, tokenizer: str = "blanks", **downloaded: Any) -> None:
        check_tokenizer(tokenizer)
        self.tokenizer, self.scenes = tokenizer, Path(scenes)
        super().__init__(**downloaded)
        if self.has_boxes and self.depth is not None:
            raise ValueError(f"{self.name} needs the depth and the poses of the scans: leave out task.depth")

    def scene(self, name: str) -> Media:
        """Name the frames of a scan."""
        return self.with_depth(ScannedScene(self.scenes / name, self.frames, self.scenes))

    def corpus_scores(self, records: Sequence[Record]) -> Mapping[str, CorpusScore]:
        """Score all answers together against their references."""
        references = {item.name: item.references for item in self.items()}
        texts = [self.as_scored(record.prediction) for record in records]
        truth = [[self.reference(text) for text in references[record.item]] for record in records]
        return caption_scores(records, texts, truth, self.tokenizer)

    def as_scored(self, answer: str) -> str:
        """Write an answer as the benchmark scores it."""
        return answer.rstrip(".")

    def reference(self, text: str) -> str:
        """Write a reference as the benchmark scores it."""
        return text


def references_of(texts: Any) -> tuple[str, ...]:
    """Read the right answers of a question.

    Raises:
        ValueError: they are not a list, or there is none, as in splits whose answers are not public.
    """
    if texts is not None and not isinstance(texts, list):
        raise ValueError(f"its answers are not a list, but {str(texts)[:60]}")
    if not texts:
        raise ValueError("it has no answer: the answers of this split may not be public")
    return tuple(map(str, texts))
