"""Benchmarks of scanned rooms; the scan is ScanNet's export of two views of a wall, 2 m away."""

from __future__ import annotations

import json
from math import pi
from pathlib import Path

import numpy as np
from PIL import Image

SCENE, SIZE = "scene0011_00", (64, 48)
ALIGNMENT = "axisAlignment = 1 0 0 1 0 1 0 2 0 0 1 0 0 0 0 1\n"  # moves the room by 1 m along x and 2 m along y


def write_scan(scans: Path) -> Path:
    """Write a scan whose cameras stand at the origin of ScanNet's world and look along its y axis."""
    folder = scans / SCENE
    for name in ("color", "depth", "pose", "intrinsic"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    camera = np.eye(4)
    camera[0, 0] = camera[1, 1] = 64
    camera[:2, 2] = 31.5, 23.5
    for name in ("color", "depth"):
        np.savetxt(folder / "intrinsic" / f"intrinsic_{name}.txt", camera)
    pose = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]])  # camera z to world y, y to -z
    for number in (0, 10):
        Image.new("RGB", SIZE, (90, 120, 150)).save(folder / "color" / f"{number}.jpg")
        Image.fromarray(np.full((SIZE[1], SIZE[0]), 2000, np.uint16)).save(folder / "depth" / f"{number}.png")
        np.savetxt(folder / "pose" / f"{number}.txt", pose)
    (folder / f"{SCENE}.txt").write_text(f"{ALIGNMENT}colorHeight = 48\n")
    return folder


def write_scanqa(folder: Path) -> list[str]:
    """Write ScanQA: three questions about one scan."""
    write_scan(folder / "scans")
    asked = [
        ("What is behind the door?", ["brown cabinet", "cabinet with tv on it"]),
        ("How many chairs are there?", ["2", "two"]),
        ("What colour is the wall?", ["blue"]),
    ]
    rows = [
        {"question_id": f"val-{SCENE}-{number}", "scene_id": SCENE, "question": question, "answers": answers}
        | {"object_ids": [1], "object_names": ["wall"]}
        for number, (question, answers) in enumerate(asked)
    ]
    (folder / "ScanQA_v1.0_val.json").write_text(json.dumps(rows))
    return ["task=published/scanqa", f"task.folder={folder}"]


def write_sqa3d(folder: Path) -> list[str]:
    """Write SQA3D: questions and answers in two files."""
    write_scan(folder / "scans")
    asked = [("What is on my left?", "table"), ("Can I see the door?", "yes"), ("From where do I look?", "the door")]
    questions = [
        {"question_id": number, "scene_id": SCENE, "situation": "I stand by the wall.", "question": question}
        | {"alternative_situation": []}
        for number, (question, _) in enumerate(asked)
    ]
    annotations = [
        {"question_id": number, "scene_id": SCENE, "answers": [{"answer": answer, "answer_confidence": "yes"}]}
        for number, (_, answer) in enumerate(asked)
    ]
    for name, key, rows in (("questions", "questions", questions), ("sqa_annotations", "annotations", annotations)):
        (folder / f"v1_balanced_{name}_test_scannetv2.json").write_text(json.dumps({key: rows}))
    return ["task=published/sqa3d", f"task.folder={folder}"]


def write_mmscan(folder: Path) -> list[str]:
    """Write MMScan: about one box, about two of which one is turned, about the room, and about a scan of others."""
    write_scan(folder / "scans")
    wall, tall = [1.0, 4.0, 0.0, 0.5, 0.2, 0.5, 0.0, 0.0, 0.0], [1.5, 4.0, 0.0, 0.5, 0.2, 0.25, 0.0, 0.0, pi / 2]
    asked = [
        ("QA_Single_Attribute_Color", "What colour is this object?", ["Blue", "It is blue."], [wall]),
        ("QA_Inter_Space_OO", "Which of them is farther left?", ["The first one."], [wall, tall]),
        ("QA_Single_EQ", "Is there a wall?", ["Yes"], None),
        ("QA_Single_EQ", "Is there a bed?", ["No"], None),
    ]
    rows = [
        {"ID": f"{kind}__{number}", "sub_class": kind, "question": question, "answers": answers}
        | {"scan_id": f"scannet/{SCENE}" if number < 3 else "3rscan/3rscan0001", "input_bboxes": boxes}
        | {"input_bboxes_id": boxes and list(range(len(boxes))), "object_ids": [0], "object_names": ["wall"]}
        for number, (kind, question, answers, boxes) in enumerate(asked)
    ]
    (folder / "MMScan_samples").mkdir(exist_ok=True)
    (folder / "MMScan_samples" / "MMScan_QA.json").write_text(json.dumps({"train": [], "val": rows}))
    return ["task=published/mmscan", f"task.folder={folder}"]


def write_scan2cap(folder: Path) -> list[str]:
    """Write Scan2Cap as Video-3D-LLM prepares it; boxes are in the aligned world, where the wall is at y = 4."""
    write_scan(folder / "scans")
    rows = [
        {"id": number, "video": f"scannet/{SCENE}", "gt_box": box, "box_input": box, "annotations": texts}
        | {"metadata": {"dataset": "scan2cap", "object_id": str(number), "ann_id": "0"}}
        for number, (box, texts) in enumerate(
            [
                ([1.0, 4.0, 0.0, 0.5, 0.2, 0.5], ["This is a blue wall.", "a wall, seen from the front."]),
                ([1.5, 4.0, 0.0, 0.5, 0.2, 0.5], ["It is the right half of the wall."]),
                ([0.5, 4.0, 0.0, 0.5, 0.2, 0.5], ["It is the left half of the wall."]),
            ]
        )
    ]
    (folder / "scan2cap_val_llava_style.json").write_text(json.dumps(rows))
    return ["task=published/scan2cap", f"task.folder={folder}"]
