"""SPAR: marks by colour become regions on the picture that they are on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from training.annotations.checking import check_file
from training.annotations.converters import convert
from training.annotations.files import AnnotationFile
from training.annotations.line import Mark


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for name, width in (("a.jpg", 200), ("b.jpg", 100)):
        Image.fromarray(np.full((100, width, 3), 90, np.uint8)).save(folder / name)
    return folder


def sample(question: str, answer: str, **fields: Any) -> dict[str, Any]:
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    return {"id": "x", "conversations": turns, **fields}


def converted(samples: list[dict[str, Any]], media: Path, file: Path) -> tuple[list[Any], dict[str, int]]:
    source = file.with_name("spar.jsonl")
    source.write_text("".join(json.dumps(each) + "\n" for each in samples))
    left_out = convert("spar", source, media, file).left_out
    read = AnnotationFile(file)
    assert check_file(read, 2).errors == []
    return [read[k] for k in range(len(read))], dict(left_out)


def test_points_and_boxes_in_thousandths_become_marks_in_pixels(media: Path, tmp_path: Path) -> None:
    info = {"type": "depth_prediction_oo", "red_point": [[500, 500]], "blue_point": [[250, 100]]}
    asked = "How far is lamp (red point)? And chair (blue point) behind lamp (red point)?"
    single = sample(asked, "The lamp (red point) is at 2 m.", image=["a.jpg"], **info)
    count = sample(
        "How many chairs are there?", "4", images=["a.jpg", "b.jpg"], spar_info=json.dumps({"type": "obj_count"})
    )
    (one, two), left_out = converted([single, count], media, tmp_path / "out.jsonl")
    assert left_out == {}
    assert one.conversations[0][0].question == "How far is lamp <region0>? And chair <region1> behind lamp <region0>?"
    assert one.conversations[0][0].answer == "The lamp is at 2 m."
    assert one.regions == ((Mark("points", [[100.0, 50.0]], 0, 20.0),), (Mark("points", [[50.0, 10.0]], 0, 20.0),))
    assert two.regions == ()


@pytest.mark.parametrize(
    ("task", "colours", "frames"),
    [
        ("spatial_imagination_oc_mv", ("green", "blue", "red"), (1, 0, 0)),  # a list in the order of their code
        ("obj_spatial_relation_oo_mv", ("red", "green"), (1, 0)),
        ("obj_spatial_relation_oc_mv", ("red", "blue"), (1, 1)),
    ],
)
def test_a_mark_is_on_the_picture_that_its_task_says(
    media: Path, tmp_path: Path, task: str, colours: tuple[str, ...], frames: tuple[int, ...]
) -> None:
    info: dict[str, Any] = {f"{colour}_bbox": [[100, 200, 300, 400]] for colour in colours}
    info |= {"type": task, "bbox_img_idx": [[1, 0, 0][: len(colours)]]}
    asked = " and ".join(f"cup ({colour} bbox)" for colour in colours)
    (line,), _ = converted(
        [sample(asked, "left", images=["a.jpg", "b.jpg"], spar_info=json.dumps(info))], media, tmp_path / "out.jsonl"
    )
    assert [mark.frame for (mark,) in line.regions] == list(frames)
    widths = [(200, 100)[frame] for frame in frames]
    assert [mark.value for (mark,) in line.regions] == [[0.1 * w, 20.0, 0.3 * w, 40.0] for w in widths]


def test_what_cannot_be_said_is_left_out_with_its_reason(media: Path, tmp_path: Path) -> None:
    box = {"red_bbox": [[1, 2, 300, 400]]}
    samples = [
        sample("Where is the cup (red bbox)?", "left", image=["a.jpg"], **box),
        sample("Where is the cup (red bbox)?", "left", image=["a.jpg"]),
        sample("Where is object0?", "left", image=["a.jpg"], bbox_list=[[[1, 2, 3, 4]]]),
        sample("Where is the cup (red bbox)?", "left", image=["gone.jpg"], **box),
        sample("Where is the cup (red bbox)?", "left", image=["a.jpg"], spar_info="[1]"),
        sample("Where is the cup (red bbox)?", "left", image=["a.jpg"], red_bbox=[["x"]]),
    ]
    lines, left_out = converted(samples, media, tmp_path / "out.jsonl")
    assert len(lines) == 1
    assert left_out == {
        "a question names a mark that the sample does not have": 1,
        "its marks are not named by colour in its questions": 1,
        "a picture is missing or cannot be read": 1,
        "its marks cannot be read": 2,
    }


def test_the_converter_of_llava_does_not_drop_the_marks(media: Path, tmp_path: Path) -> None:
    source = tmp_path / "spar.json"
    source.write_text(json.dumps([sample("How many?", "4", image=["a.jpg"], spar_info="{}")]))
    with pytest.raises(ValueError, match="it is of SPAR; convert it as spar"):
        convert("llava", source, media, tmp_path / "out.jsonl")
