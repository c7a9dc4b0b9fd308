"""Sample logs as other evaluation tools write them, of three items of our own."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ITEMS = (("scene-1", "counting", "4"), ("scene-1", "order", "B"), ("scene-2", "order", "A"))


def lmms_eval_log(path: Path, answers: Sequence[str], scores: Sequence[float], nested: bool = False) -> Path:
    """Write *_samples_TASK.jsonl of lmms-eval 0.7; `nested` returns the annotations, as VSI-Bench does."""
    lines = []
    for number, (answer, score, (scene, category, truth)) in enumerate(zip(answers, scores, ITEMS, strict=True)):
        metric: Any = score
        if nested:
            name = "MRA:.5:.95:.05" if category == "counting" else "accuracy"
            metric = {"id": number, "scene_name": scene, "question_type": category, "prediction": answer, name: score}
        line = {"doc_id": number, "target": truth, "filtered_resps": answer, "token_counts": [None], "doc_hash": "0f"}
        lines.append({**line, "overall": metric, "input": f"Question {number}?"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def vlm_eval_kit_table(path: Path, answers: Sequence[str], scores: Sequence[float | None]) -> Path:
    """Write the scored table of VLMEvalKit, as .tsv, .csv, .json or .xlsx; a score of None is one of another metric."""
    rows = [
        {
            "index": number,
            "question_type": category,
            "prediction": answer,
            "answer": truth,
            "hit": "" if score is None else score,
            "MRA:.5:.95:.05": 0.5 if score is None else "",
            "scene_name": scene,
        }
        for number, (answer, score, (scene, category, truth)) in enumerate(zip(answers, scores, ITEMS, strict=True))
    ]
    if path.suffix == ".json":
        path.write_text(json.dumps(rows))
        return path
    if path.suffix == ".xlsx":
        import openpyxl

        book = openpyxl.Workbook()
        for cells in (rows[0], *(row.values() for row in rows)):
            book.active.append(list(cells))
        book.save(path)
        return path
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path
