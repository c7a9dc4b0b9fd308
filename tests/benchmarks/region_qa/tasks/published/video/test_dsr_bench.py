from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.region_qa.scoring import score_items
from benchmarks.region_qa.tasks.media import ClipFile
from region4d.configuration.compose import build, compose_config
from tests.support.published.videos import write_dsr_bench


def test_the_layout_is_read_with_options_as_a_list_or_as_json(tmp_path: Path) -> None:
    car, man, _ = build(compose_config("bench", write_dsr_bench(tmp_path)).task).items()
    assert car.question.text.endswith(
        "Question: How does the car move?\nA. gets nearer\nB. gets further\nC. keeps its distance\nD. cannot be told\n"
        "Answer: "
    )
    assert car.question.options == man.question.options
    assert (car.question.answer, car.question.category, car.cluster) == ("B", "abs_dis", "3")
    assert car.media == man.media == ClipFile(tmp_path / "bmk_video" / "3.mp4", 2)


@pytest.mark.parametrize(
    ("said", "ours", "theirs"),
    [
        ("B", 1, 1),
        ("The best answer is B.", 1, 1),
        ("(B) gets further", 1, 1),
        ("gets further", 1, 0),  # no letter
        ("As I see it: B", 0, 0),  # theirs reads A
        ("Camera: B", 0, 0),  # theirs reads C
        ("C", 0, 0),
    ],
)
def test_answers_are_scored_by_our_parser_and_by_the_first_capital(
    tmp_path: Path, said: str, ours: int, theirs: int
) -> None:
    item = next(iter(build(compose_config("bench", write_dsr_bench(tmp_path)).task).items()))
    (record,) = score_items("dsr", [item], [said], "arm", 0)
    assert (record.metrics["dsr_bench"], record.score) == (theirs, ours)
