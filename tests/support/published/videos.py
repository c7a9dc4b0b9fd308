"""Benchmarks of videos."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.clips.footage import write_footage


def write_dsr_bench(folder: Path) -> list[str]:
    """Write DSR-Bench as JSON: options as a list and as JSON."""
    (folder / "bmk_video").mkdir(parents=True)
    for video in (3, 4):
        write_footage(folder / "bmk_video" / f"{video}.mp4", range(0, 400, 100))
    options = ["A. gets nearer", "B. gets further", "C. keeps its distance", "D. cannot be told"]
    rows = [
        {"videoID": 3, "type": "abs_dis", "question": "How does the car move?", "options": options, "answer": "B"},
        {
            "videoID": 3,
            "type": "rel_dir",
            "question": "Seen by the man?",
            "options": json.dumps(options),
            "answer": "A",
        },
        {"videoID": 4, "type": "non_temp", "question": "What is there?", "options": options, "answer": "C"},
    ]
    (folder / "benchmark.json").write_text(json.dumps(rows))
    return ["task=published/dsr_bench", f"task.folder={folder}", "task.questions=benchmark.json", "task.frames=2"]
