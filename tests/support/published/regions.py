"""Benchmarks of regions of pictures and videos; a picture is 96 x 64 pixels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.support.clips.footage import HEIGHT, WIDTH, write_footage

BOXES = [[8.0, 8.0, 40.0, 40.0], [50.0, 20.0, 90.0, 60.0]]


def write_picture(path: Path, colour: tuple[int, int, int] = (40, 160, 90)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), colour).save(path)


def run_lengths(box: list[float]) -> dict[str, Any]:
    """Write the mask of a box as COCO's plain run-length code: column by column, what is outside first."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    left, top, right, bottom = map(int, box)
    mask[top:bottom, left:right] = True
    columns = mask.T.ravel()
    ends = [*np.flatnonzero(np.diff(columns)) + 1, columns.size]
    return {"size": [HEIGHT, WIDTH], "counts": np.diff([0, *ends]).tolist()}


def write_r4d_bench(folder: Path) -> list[str]:
    """Write R4D-Bench: two questions about one video, one about another."""
    for name in ("a", "b"):
        (folder / "videos").mkdir(parents=True, exist_ok=True)
        write_footage(folder / "videos" / f"{name}.mp4", range(0, 800, 100))
        write_picture(folder / "som" / f"{name}.png", (255, 255, 255))
    row = {"benchmark": "vlm4d", "video": "videos/a.mp4", "som_image": "som/a.png"}
    rows = [
        {**row, "id": "r0", "task": "Translational", "question": "Where does <obj_1> go?"}
        | {"options": ["left", "right", "up", "not moving"], "answer": "right"},
        {**row, "id": "r1", "task": "Spatial Relation", "question": "Is <obj_2> in front of <obj_1>?"}
        | {"options": ["yes", "no"], "answer": "no"},
        {**row, "id": "r2", "benchmark": "stibench", "task": "Speed & Acceleration", "video": "videos/b.mp4"}
        | {"som_image": "som/b.png", "question": "How fast is <obj_1>?", "answer": "2.5 m/s"}
        | {"options": ["1.5 m/s", "2.5 m/s", "3.5 m/s", "4.5 m/s", "5.5 m/s"]},
    ]
    (folder / "test.json").write_text(json.dumps(rows))
    regions = [
        {"id": row["id"], "regions": [{"box": BOXES[0]}, {"segmentation": run_lengths(BOXES[1])}]} for row in rows
    ]
    (folder / "regions.json").write_text(json.dumps(regions))
    return ["task=published/r4d_bench", f"task.folder={folder}"]


def write_spatialrgpt_bench(folder: Path) -> list[str]:
    """Write SpatialRGPT-Bench: a relation, a choice, a length with boxes alone, and a direction."""
    write_picture(folder / "SUNRGBD/0001.jpg")
    row = {"image_info": {"file_path": "SUNRGBD/0001.jpg", "height": HEIGHT, "width": WIDTH}, "bbox": BOXES}
    row |= {"rle": [run_lengths(box) for box in BOXES]}
    asked = [
        ("behind_predicate", "qualitative", "Is Region [0] behind Region [1]?", "No, it is in front of Region [1]."),
        ("tall_choice", "qualitative", "Which is taller, Region [0] or Region [1]?", "With more height is Region [1]."),
        ("width_data", "quantitative", "How wide is Region [1]?", "Region [1] is 10.0 feet wide."),
        (
            "direction",
            "quantitative",
            "If you are at Region [0], where will you find Region [1]?",
            "Region [0] will find Region [1] around the 12 o'clock direction.",
        ),
    ]
    rows = [
        {**row, "id": f"{kind}_{number}", "text_q": text, "qa_info": {"type": kind, "category": category}}
        | {"conversations": [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": truth}]}
        for number, (category, kind, text, truth) in enumerate(asked)
    ]
    rows[2] |= {"rle": []}
    (folder / "SpatialRGPT-Bench_v1.json").write_text(json.dumps(rows))
    return ["task=published/spatialrgpt_bench", f"task.folder={folder}"]


def write_blink_depth(folder: Path) -> list[str]:
    """Write BLINK's relative depth as JSON, with paths of pictures: one row without an answer is of the test split."""
    rows = []
    for number, answer in enumerate(("(A)", "(B)", "(A)")):
        write_picture(folder / "pictures" / f"{number}.png")
        rows.append(
            {
                "idx": f"val_Relative_Depth_{number}",
                "sub_task": "Relative_Depth",
                "choices": ["A is closer", "B is closer"],
            }
            | {"prompt": "Which point is closer to the camera?\n(A) A is closer\n(B) B is closer", "answer": answer}
            | {"image_1": f"pictures/{number}.png"}
        )
    (folder / "val.json").write_text(json.dumps(rows))
    regions = [{"point": [20, 30]}, {"box": BOXES[1]}]
    (folder / "points.json").write_text(json.dumps([{"id": row["idx"], "regions": regions} for row in rows]))
    return ["task=published/blink_relative_depth", f"task.folder={folder}", "task.questions=val.json"]


def write_object_classes(folder: Path) -> list[str]:
    """Write COCO's annotations: three objects and a crowd in two pictures."""
    for name in ("1.jpg", "2.jpg"):
        write_picture(folder / "val2017" / name)
    triangle = [10.0, 10.0, 40.0, 10.0, 10.0, 40.0]
    annotations = [
        {"id": 11, "image_id": 1, "category_id": 1, "bbox": [10, 10, 30, 30], "segmentation": [triangle], "iscrowd": 0},
        {"id": 12, "image_id": 2, "category_id": 3, "bbox": [50, 20, 40, 40]}
        | {"segmentation": run_lengths(BOXES[1]), "iscrowd": 0},
        {"id": 13, "image_id": 1, "category_id": 3, "bbox": [50, 20, 40, 40]}
        | {"segmentation": run_lengths(BOXES[1]), "iscrowd": 0},
        {"id": 14, "image_id": 1, "category_id": 1, "bbox": [0, 0, 90, 60]}
        | {"segmentation": run_lengths(BOXES[1]), "iscrowd": 1},
    ]
    for row in annotations:
        row |= {"area": 400.0}
    content = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "height": HEIGHT, "width": WIDTH} for n in (1, 2)],
        "categories": [{"id": 1, "name": "Person"}, {"id": 3, "name": "traffic_light"}],
        "annotations": annotations,
    }
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_val2017.json").write_text(json.dumps(content))
    return ["task=published/coco_regions", f"task.folder={folder}"]
