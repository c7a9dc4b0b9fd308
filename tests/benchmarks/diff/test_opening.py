from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from benchmarks.diff.opening import open_run
from benchmarks.diff.run import Fields
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import write_records
from tests.support.foreign_logs import lmms_eval_log, vlm_eval_kit_table
from tests.support.studies import toy_records

ANSWERS, ANY = ["3", "B", "B"], Fields()


def test_a_log_of_lmms_eval_with_one_number_an_item_is_scored_by_it(tmp_path: Path) -> None:
    run = open_run(str(lmms_eval_log(tmp_path / "x_samples_toy.jsonl", ANSWERS, [0.6, 1.0, 0.0])), ANY)
    assert (run.tool, run.metric) == ("lmms-eval", "overall")
    assert [(r.item, r.score, r.answer, r.prediction) for r in run.records] == [
        ("0", 0.6, "4", "3"),
        ("1", 1.0, "B", "B"),
        ("2", 0.0, "A", "B"),
    ]


def test_scores_inside_annotations_are_found_with_their_category_and_scene(tmp_path: Path) -> None:
    run = open_run(str(lmms_eval_log(tmp_path / "a.jsonl", ANSWERS, [0.6, 1.0, 0.0], nested=True)), ANY)
    assert [(r.score, r.category, r.cluster) for r in run.records] == [
        (0.6, "counting", "scene-1"),
        (1.0, "order", "scene-1"),
        (0.0, "order", "scene-2"),
    ]


@pytest.mark.parametrize("suffix", ["tsv", "csv", "json"])
def test_a_table_of_vlm_eval_kit_is_scored_by_hits_and_else_by_its_other_metric(tmp_path: Path, suffix: str) -> None:
    run = open_run(str(vlm_eval_kit_table(tmp_path / f"m_d_result.{suffix}", ANSWERS, [None, 1, 0])), ANY)
    assert (run.tool, run.metric) == ("VLMEvalKit", "MRA:.5:.95:.05, hit")
    assert [(r.item, r.score, r.category, r.cluster) for r in run.records] == [
        ("0", 0.5, "counting", "scene-1"),
        ("1", 1.0, "order", "scene-1"),
        ("2", 0.0, "order", "scene-2"),
    ]


def test_fields_can_be_named(tmp_path: Path) -> None:
    path = vlm_eval_kit_table(tmp_path / "t.tsv", ANSWERS, [1, 1, 0])
    run = open_run(str(path), Fields(metric="hit", category="scene_name", cluster="answer"))
    assert [(r.category, r.cluster) for r in run.records] == [("scene-1", "4"), ("scene-1", "B"), ("scene-2", "A")]
    with pytest.raises(ValueError, match=r"no field 'topic'; its fields are: index, "):
        open_run(str(path), Fields(category="topic"))
    with pytest.raises(ValueError, match="'prediction' is 'B', which is not a number"):
        open_run(str(path), Fields(metric="prediction"))


def test_records_of_this_project_are_read_as_they_are(tmp_path: Path) -> None:
    records = toy_records(3, ["bad"])
    write_records(tmp_path, records, Manifest({}, "abc", "", {}, "", ""))
    run = open_run(str(tmp_path), ANY)
    assert list(run.records) == records
    assert run.manifest is not None
    assert list(open_run(str(tmp_path / "records.jsonl"), ANY).records) == records


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("x.jsonl", "", "is empty"),
        ("x.jsonl", "[1]\n", "not a sample"),
        ("x.jsonl", '{"doc_id": 0, "filtered_resps": "A", "target": "A"}\n', "--metric"),
        ("x.jsonl", '{"doc_id": 0, "filtered', "not JSON"),
        ("x.tsv", "a\tb\n1\t2\n", "no rows with a column 'index'"),
        ("x.txt", "", "not a run"),
        ("x.csv", "index,hit\n0,1\n0,1\n", "holds item 0 twice"),
        ("x.json", "3", r"x\.json is neither a list of rows nor a table of columns"),
        ("x.json", "[1, 2]", r"x\.json is neither"),
        ("x.json", '{"index": 3}', r"x\.json is neither"),
        ("x.json", '{"index": [0, 1], "hit": [1]}', r"x\.json is neither"),
        ("x.json", '[{"index": 0, "hit": 1}, {"hit": 1}]', r"x\.json has no rows with a column 'index'"),
    ],
)
def test_what_is_not_a_run_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=said):
        open_run(str(tmp_path / name), ANY)


def test_a_run_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no run 'nowhere'"):
        open_run("nowhere", ANY)


def test_a_workbook_is_read_as_a_table_is(tmp_path: Path) -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    table, book = (vlm_eval_kit_table(tmp_path / name, ["4", "B", "B"], [1, 1, 0]) for name in ("a.tsv", "a.xlsx"))
    one, other = open_run(str(table), ANY), open_run(str(book), ANY)
    assert list(one.records) == list(other.records)
    (tmp_path / "b.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes()[:900])
    with pytest.raises(ValueError, match="is not a workbook, or it is damaged"):
        open_run(str(tmp_path / "b.xlsx"), ANY)
    with ZipFile(tmp_path / "a.xlsx") as whole, ZipFile(tmp_path / "c.xlsx", "w") as cut:
        for name in whole.namelist():
            cut.writestr(name, whole.read(name)[: 200 if "sheet1" in name else None])
    with pytest.raises(ValueError, match=r"c\.xlsx is not a workbook, or it is damaged"):
        open_run(str(tmp_path / "c.xlsx"), ANY)


def test_a_workbook_needs_openpyxl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "a.xlsx").write_bytes(b"")
    with pytest.raises(ImportError, match="needs openpyxl: pip install openpyxl, or let VLMEvalKit write a table"):
        open_run(str(tmp_path / "a.xlsx"), ANY)
