"""Mean average precision of classes that are said of true boxes, as region classification reports it."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from benchmarks.region_qa.corpus_scores.score import CorpusScore

AVERAGE_PRECISION = "mAP"
REMEDY = "needs pycocotools (pip install pycocotools)"


def average_precision(annotations: Path, said: Mapping[int, int | None]) -> CorpusScore:
    """Evaluate true boxes as detections of the categories that were said, all with score 1, by COCO's evaluation.

    Args:
        annotations: file of COCO annotations.
        said: category by annotation that was asked about; None where no category was said, which is no detection.
    """
    if importlib.util.find_spec("pycocotools") is None:
        return CorpusScore.missing(REMEDY)
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):  # it reports every step
        truth = COCO()
        truth.dataset = asked_annotations(json.loads(annotations.read_text(encoding="utf-8")), said.keys())
        truth.createIndex()
        found = [
            {"image_id": row["image_id"], "category_id": said[row["id"]], "bbox": row["bbox"], "score": 1.0}
            for row in truth.dataset["annotations"]
            if said.get(row["id"]) is not None
        ]
        if not found:
            return CorpusScore(0.0)
        evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return CorpusScore(float(evaluation.stats[0]))


def asked_annotations(content: Mapping[str, Any], asked: Container[int]) -> dict[str, Any]:
    """Keep the annotations that were asked about, their images, and the crowds of these.

    An annotation that was not asked about would count as missed. A crowd never does: detections inside it are ignored.
    """
    rows = content["annotations"]
    pictures = {row["image_id"] for row in rows if row["id"] in asked}
    return {
        **content,
        "images": [row for row in content["images"] if row["id"] in pictures],
        "annotations": [
            row for row in rows if row["id"] in asked or (row.get("iscrowd") and row["image_id"] in pictures)
        ],
    }
