"""Documents of our tasks in lmms-eval: what a task file names, for our models and for any other.

A document has, in `line`, the media, regions and question of an item as a line of annotations
(docs/guides/your_data.md), and in `truth` what scores its answer, both as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.region_qa.scoring import score_item
from benchmarks.region_qa.tasks.media import ClipFile
from benchmarks.region_qa.tasks.task import Item
from models.answerers.image_text import pictures
from models.queries.pointing import MARKED, TRACKS, Pointing
from models.queries.query import Query
from models.sr3d.text.mentions import name_each
from scenes.clip import Clip
from scenes.questions import Question
from training.annotations.line import Media, parse_line
from training.annotations.media import Size, draw_regions, open_media

Document = Mapping[str, Any]
LINE = "line"
HERE = Path()  # paths of a line are absolute


def is_ours(document: Document) -> bool:
    """Whether a document is of one of our tasks."""
    return LINE in document


def query_of(document: Document) -> Query:
    """Open the clip of a document with its geometry, and its regions.

    Raises:
        FileNotFoundError: a file does not exist.
        ValueError: a file cannot be read.
    """
    annotation = parse_line(document[LINE])
    assert annotation.media is not None
    clip, sizes = _open(annotation.media)
    return Query(clip, draw_regions(annotation, HERE, sizes, clip.size), annotation.conversations[0][0].question)


@lru_cache(maxsize=1)
def _open(media: Media) -> tuple[Clip, list[Size]]:
    """Open a clip once for the documents of it, which follow each other."""
    return open_media(media, HERE, frames=1)  # a line says how many


def doc_to_text(document: Document) -> str:
    """Write the question for a model that sees the regions drawn."""
    annotation = parse_line(document[LINE])
    names = [MARKED.format(k) for k in range(len(annotation.regions))]
    return name_each(annotation.conversations[0][0].question, names)


def doc_to_visual(document: Document) -> list[Image.Image]:
    """Draw the regions on the frames, for a model that sees pictures."""
    return pictures(Pointing(TRACKS).apply(query_of(document)))


def doc_to_target(document: Document) -> str:
    """Give the right answer."""
    return parse_line(document[LINE]).conversations[0][0].answer


def process_results(document: Document, results: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Score an answer by the metrics of its item, each with the item, category and clip for the log of samples."""
    annotation = parse_line(document[LINE])
    (turn,) = annotation.conversations[0]
    truth = json.loads(document["truth"])
    truth["options"] = tuple(truth["options"])
    question = Question(document["category"], turn.question, turn.answer, **truth)
    item = Item(annotation.name, document["clip"], ClipFile(HERE), [], question, document["metrics"])
    scored = score_item("", item, results[0], arm="", seed=0)
    about = {"item": item.name, "category": question.category, "clip": item.cluster}
    return {name: {**about, "score": score} for name, score in scored.metrics.items()}


def mean_score(rows: Sequence[Mapping[str, Any]]) -> float:
    """Average the scores of one metric."""
    return float(sum(row["score"] for row in rows) / len(rows))
