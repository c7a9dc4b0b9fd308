"""`region4d diff`."""

from __future__ import annotations

from pathlib import Path

from tests.support.foreign_logs import lmms_eval_log, vlm_eval_kit_table
from tests.support.programs.command_line import Run, assert_one_line


def test_two_logs_of_lmms_eval_are_compared(region4d: Run, tmp_path: Path) -> None:
    first = lmms_eval_log(tmp_path / "a_samples_toy.jsonl", ["3", "A", "B"], [0.6, 0.0, 0.0], nested=True)
    second = lmms_eval_log(tmp_path / "b_samples_toy.jsonl", ["4", "B", "B"], [1.0, 1.0, 0.0], nested=True)
    output = tmp_path / "out"
    code, out, err = region4d("diff", str(first), str(second), "--names", "old,new", "-o", str(output))
    assert code == 0, err
    assert "3 items in 2 clusters; 2 gained, 0 lost" in out
    text = (output / "report.md").read_text()
    assert "| order | 2 |" in text
    assert "| 1 | order | B | A | B | 0.00 to 1.00 |" in text
    assert sorted(path.name for path in output.iterdir()) == ["changed.jsonl", "report.html", "report.md"]


def test_a_log_of_one_tool_is_compared_with_that_of_another(region4d: Run, tmp_path: Path) -> None:
    first = lmms_eval_log(tmp_path / "a.jsonl", ["3", "A", "B"], [1.0, 0.0, 0.0])
    second = vlm_eval_kit_table(tmp_path / "b.tsv", ["4", "B", "B"], [1, 1, 0])
    named = ("-o", str(tmp_path / "out"))
    assert_one_line(region4d("diff", str(first), str(second), *named), "scored by overall", "by hit")
    assert not (tmp_path / "out").exists()


def test_a_wrong_argument_is_one_line(region4d: Run, tmp_path: Path) -> None:
    log = str(lmms_eval_log(tmp_path / "a.jsonl", ["3", "A", "B"], [1.0, 0.0, 0.0]))
    assert_one_line(region4d("diff", log, "nowhere"), "no run 'nowhere'", "lmms-eval")
    assert_one_line(region4d("diff", log, log, "--names", "one"), "--names 'one'")
    assert_one_line(region4d("diff", log, log, "--category", "topic"), "no field 'topic'")
