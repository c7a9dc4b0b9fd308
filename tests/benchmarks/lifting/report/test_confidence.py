"""A confidence is compared with the overlap that it predicts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.lifting.report.confidence import calibration_curve, confidence_section, rank_correlation, stated
from benchmarks.lifting.study import LiftStudy
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Fact, Record

ITEMS = 50
OVERLAPS = [(7 * k % ITEMS) / ITEMS for k in range(ITEMS)]


def records(says: Callable[[float], float | None]) -> list[Record]:
    """Lifts that overlap with their truth as `OVERLAPS` says, and what a method says of each."""
    return [lifted(k, overlap, {"confidence": says(overlap)}) for k, overlap in enumerate(OVERLAPS)]


def lifted(item: int, overlap: float, facts: dict[str, Fact]) -> Record:
    return Record(
        "toy", str(item), f"toy/{item}", "lift", 0, {"camera_solid_iou": overlap}, facts={"occlusion": 0.0} | facts
    )


def test_a_calibrated_confidence_lies_on_the_diagonal_and_an_overconfident_one_below() -> None:
    for says, above in ((lambda overlap: overlap, 0.0), (lambda overlap: 0.5 + overlap / 2, 0.5)):
        curve = calibration_curve(stated(records(says)))
        assert [count for _, _, count in curve] == [10] * 5
        confidence, overlap, _ = curve[0]
        assert confidence - overlap.mean == pytest.approx(above - above * overlap.mean)


@pytest.mark.parametrize(("sign", "rank"), [(1, 1.0), (-1, -1.0), (0, 0.0)])
def test_rank_correlation_is_blind_to_the_scale(sign: int, rank: float) -> None:
    found = rank_correlation(stated(records(lambda overlap: 0.5 + sign * overlap**3 / 2)))
    assert (found.mean, found.low, found.high) == pytest.approx((rank, rank, rank))


def test_pictures_of_one_object_are_one_cluster() -> None:
    alone = [lifted(k, (k * 13 % 31) / 31, {"confidence": k / 30}) for k in range(30)]
    twice = [each for each in alone for _ in range(2)]
    once, both = rank_correlation(stated(alone)), rank_correlation(stated(twice))
    assert both.high - both.low == pytest.approx(once.high - once.low, abs=0.03)


def test_what_states_no_confidence_has_no_section() -> None:
    manifest = Manifest({}, "abc", "", {}, "", "")
    silent = LiftStudy(title="toy", summary="", manifest=manifest, records=records(lambda _: None))
    assert confidence_section(silent, "toy").tables == []
    spoken = LiftStudy(title="toy", summary="", manifest=manifest, records=records(lambda overlap: overlap))
    section = confidence_section(spoken, "toy")
    assert "| lift | 50 | 1.00 [1.00, 1.00] |" in section.markdown()
    assert section.figures[0].startswith("<svg")
