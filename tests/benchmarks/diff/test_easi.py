from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from benchmarks.diff.easi import Submission, check_benchmark, key, scores_of, whole, write_submission
from benchmarks.diff.run import Run
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record


def record(item: str, category: str, score: float, **metrics: float) -> Record:
    return Record("t", item, item, "arm", 0, {"score": score, **metrics}, category=category, answer="A")


RECORDS = [
    record("0", "object_counting", 0.2, vsibench_lmms_eval=0.5),
    record("1", "object_rel_direction_easy", 1.0),
    record("2", "object_rel_direction_easy", 1.0),
    record("3", "object_rel_direction_hard", 0.0),
]


def test_vsi_bench_is_the_mean_of_its_types_with_directions_as_one() -> None:
    overall, parts = scores_of("vsi_bench", RECORDS)
    assert parts == {"object_counting": 50.0, "object_rel_direction_accuracy": 50.0}
    assert overall == 50.0


def test_other_benchmarks_are_means_over_items() -> None:
    assert scores_of(
        "mindcube_tiny", [record("0", "among", 1.0), record("1", "among", 0.0), record("2", "around", 0.0)]
    ) == (
        33.3333,
        {"among_accuracy": 50.0, "around_accuracy": 0.0},
    )


@pytest.mark.parametrize(
    ("benchmark", "category", "name"),
    [
        ("mmsi_bench", "Positional Relationship (Cam.–Obj.)", "pos_cam_obj_accuracy"),
        ("mmsi_bench", "Attr-Meas", "attr_meas_accuracy"),
        (
            "viewspatial",
            "Camera perspective - Relative Direction",
            "camera_perspective_relative_direction_accuracy",
        ),
        ("blink", "Multi-view_Reasoning", "multi_view_reasoning"),
        ("vsi_bench", "room_size_estimation", "room_size_estimation"),
    ],
)
def test_categories_have_the_names_of_easi(benchmark: str, category: str, name: str) -> None:
    assert key(benchmark, category) == name


def test_a_submission_holds_scores_and_every_answer(tmp_path: Path) -> None:
    submission = Submission("me/mine", "instruction", "bfloat16")
    path, _ = write_submission(tmp_path, submission, {"vsi_bench": Run("x", RECORDS, "region4d")})
    payload = json.loads(path.read_text())
    assert payload["modelName"] == "me/mine"
    assert payload["backend"] == "region4d"
    assert payload["scores"] == {"vsi_bench": 50.0}
    with zipfile.ZipFile(tmp_path / "easi_results.zip") as archive:
        assert archive.namelist() == ["mine/mine_vsi_bench_records.jsonl"]
        assert archive.read(archive.namelist()[0]).count(b"\n") == 4


def test_what_easi_does_not_take_is_refused() -> None:
    with pytest.raises(ValueError, match="--model 'mine' is not OWNER/NAME"):
        Submission("mine", "instruction", "bfloat16")
    with pytest.raises(ValueError, match="--type 'big' is unknown: choose one of pretrained"):
        Submission("me/mine", "big", "bfloat16")
    with pytest.raises(ValueError, match="site is scored by chance-adjusted accuracy"):
        check_benchmark("site")
    with pytest.raises(ValueError, match="EASI has no benchmark 'vsi'"):
        check_benchmark("vsi")
    limited = Manifest({"limit": 40}, "abc", "a machine", {}, "", "2026-01-01")
    with pytest.raises(ValueError, match="x holds only the first 40 items; run all"):
        whole(Run("x", RECORDS, "region4d", manifest=limited))
