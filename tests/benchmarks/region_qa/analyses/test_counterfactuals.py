from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.records.record import Record
from benchmarks.region_qa.analyses.counterfactual_section import NONE, counterfactual_section
from benchmarks.region_qa.analyses.counterfactuals import followings, same_answer
from benchmarks.region_qa.sections import all_sections
from tests.support.studies import numeric, record, toy_study

CLIPS = 20


def pair(arm: str, number: int, before: str, after: str, truth_changes: bool) -> list[Record]:
    """A question whose answer is A, and after the change B or still A, with what an arm says."""
    kind = {
        "counterfactual": "mark_shifted",
        "original": f"clip-{number}/nearer_camera",
        "truth_changes": truth_changes,
    }
    first = replace(record(arm, number, "nearer_camera", True), parsed=before, metrics={"score": float(before == "A")})
    right = "B" if truth_changes else "A"
    then = replace(first, item=f"{first.item}@mark_shifted", answer=right, parsed=after, facts=kind)
    return [first, replace(then, metrics={"score": float(after == right)})]


def answers(arm: str, before: str, after: str, truth_changes: bool = True) -> list[Record]:
    return [r for n in range(CLIPS) for r in pair(arm, n, before, after, truth_changes)]


@pytest.mark.parametrize(
    ("before", "after", "follows"),
    [("A", "B", 1.0), ("A", "A", 0.0), ("B", "B", 0.0), ("B", "A", 0.0)],
    ids=["follows", "constant A", "constant B", "always wrong"],
)
def test_only_what_is_right_before_and_after_follows_so_that_a_constant_has_none(
    before: str, after: str, follows: float
) -> None:
    (found,) = followings(answers("x", before, after))
    assert found.follows is not None
    assert found.follows.mean == found.follows.low == found.follows.high == follows
    assert (found.chance, found.followed, found.stayed, found.stays) == (0.25, CLIPS, 0, None)


def test_what_stays_is_the_answer_right_or_wrong() -> None:
    (same,), (other,) = (followings(answers("x", "B", after, truth_changes=False)) for after in ("B", "A"))
    assert same.stays is not None
    assert other.stays is not None
    assert (same.stays.mean, other.stays.mean) == (1.0, 0.0)
    assert same.follows is None


def test_intervals_resample_clips() -> None:
    half = [r for n in range(CLIPS) for r in pair("x", n, "A", "AB"[n % 2], True)]
    (found,) = followings(half)
    assert found.follows is not None
    assert found.follows.mean == 0.5
    assert 0.2 < found.follows.low < 0.4
    (twice,) = followings([*half, *(replace(r, item=f"{r.item}", seed=1) for r in half)])
    assert twice.follows is not None
    assert twice.followed == CLIPS
    assert twice.follows.low == pytest.approx(found.follows.low, abs=0.05)  # the clips are the same


def test_numbers_are_the_same_within_a_ratio_and_unparsed_answers_by_their_text() -> None:
    one, near, far = (numeric("x", 0, "speed", 1.0, answer) for answer in (1.0, 1.2, 1.3))
    assert [same_answer(one, other) for other in (near, far)] == [True, False]
    lost = replace(one, parsed=None, prediction="hm")
    assert same_answer(lost, lost)
    assert not same_answer(lost, one)


def test_a_report_says_that_older_records_have_none_and_a_study_without_them_nothing() -> None:
    assert counterfactual_section([]).text == NONE
    assert "Counterfactual worlds" not in [section.title for section in all_sections(toy_study())]
    assert all_sections(toy_study(counterfactuals=[]))[-1].text == NONE
    section = all_sections(toy_study(counterfactuals=answers("good", "A", "B")))[-1]
    assert "| mark shifted | 20 | 0.250 | 1.000 [1.000, 1.000] |" in section.markdown()
