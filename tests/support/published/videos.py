"""Benchmarks of videos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def write_vsi_bench(folder: Path) -> list[str]:
    """Write VSI-Bench: a number and a choice about one video, a number about another."""
    asked: list[dict[str, Any]] = [
        {"scene_name": "s1", "question_type": "object_counting", "ground_truth": "4", "options": None},
        {"scene_name": "s1", "question_type": "object_rel_distance", "ground_truth": "B"}
        | {"options": ["A. lamp", "B. cup", "C. chair", "D. door"]},
        {"scene_name": "s2", "question_type": "room_size_estimation", "ground_truth": "20.0", "options": None},
    ]
    rows = [{"id": k, "dataset": "scannet", "question": "How many?", **row} for k, row in enumerate(asked)]
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["task=published/vsi_bench", f"task.folder={folder}"]


def write_sti_bench(folder: Path) -> list[str]:
    """Write STI-Bench as JSON: candidates as an object and as JSON."""
    candidates = {"A": "1.5 m/s", "B": "2.5 m/s", "C": "3.5 m/s"}
    row = {"Video": "a.mp4", "Task": "Speed", "Question": "How fast?", "Answer": "B", "time_start": 0, "time_end": 3}
    rows = [{**row, "Candidates": each} for each in (candidates, json.dumps(candidates), candidates)]
    (folder / "qa.json").write_text(json.dumps(rows))
    return ["task=published/sti_bench", f"task.folder={folder}", "task.questions=qa.json"]


def write_vlm4d(folder: Path) -> list[str]:
    """Write VLM4D: three questions about one video."""
    row = {"video": "https://example.org/main/videos_real/man.mp4", "question": "Which way?", "answer": "Right"}
    rows = [{"id": f"v{k}", **row, "choices": {"A": "left", "B": "right"}} for k in range(3)]
    (folder / "QA").mkdir()
    (folder / "QA" / "real_mc.json").write_text(json.dumps(rows))
    return ["task=published/vlm4d", f"task.folder={folder}"]
