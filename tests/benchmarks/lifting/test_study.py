"""Records of Lift-Worlds continue, and its report says what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.lifting.library import view_of
from benchmarks.lifting.measure import EvaluationSet, lift_record, measure, prepare_truths, records_path
from benchmarks.lifting.methods import Method, OracleMethod
from benchmarks.lifting.report.page import report_page
from benchmarks.lifting.rewards import oracle_reward, visible_reward
from benchmarks.lifting.scores import METRICS, Prediction
from benchmarks.lifting.speed import Speed
from benchmarks.lifting.study import LiftStudy, bin_of
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record, read_records
from scenes.masked_object import MaskedObject
from scenes.photographs.folder import PhotoFolder
from scenes.photographs.store import PhotoStore
from scenes.storage import shards
from scenes.worlds import WorldConfig
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore
from tests.support.photographs import write_photo

WORLD = WorldConfig(height=32, width=32, frames=1, objects=(1, 2), families=("tower",), cameras=("static",))
ITEMS = 30


def record(method: str, item: int, level: float, candidate: int = 0, visible: float = 0.0) -> Record:
    """A record whose scores are all `level`, worse for harder items."""
    scores = dict.fromkeys(METRICS, level + 0.001 * item)
    scores |= {
        "icp_emd_floor": 0.05,
        "canonical_chamfer": level,
        "pieces": 1.0,
        "emd_floor": 0.1,
        "visible_reward": visible,
    }
    facts = {"family": "mug", "occlusion": (0.1, 0.3, 0.7)[item % 3], "sky": item % 2 == 0}
    return Record("toy", str(item), f"toy/{item}", method, 0, scores, candidate, facts)


def study(**changes: Any) -> LiftStudy:
    records = [record("box", k, 0.4) for k in range(ITEMS)]
    # of four candidates of "flow" the third has the least errors, and the second what is seen best
    levels, seen = (0.3, 0.25, 0.1, 0.35), (0.0, 2.0, 1.0, 0.0)
    records += [
        record("flow", k, level, candidate, visible)
        for k in range(ITEMS)
        for candidate, (level, visible) in enumerate(zip(levels, seen, strict=True))
    ]
    records += [record("dpo", k, 0.2 if k % 3 else 0.9) for k in range(ITEMS)]
    options: dict[str, Any] = {
        "title": "toy",
        "summary": "",
        "records": records,
        "manifest": Manifest({"command": "region4d lift-study"}, "abc", "", {}, "", ""),
        "main": "flow",
        "baselines": ["box"],
        "effects": {"preference": ("dpo", "flow")},
        "win_rates": {"preference": ("dpo", "flow")},
        "speeds": [Speed("flow", 16, 16, 3, 0.1, 1.0, "cpu"), Speed("flow", 1, 16, 3, 0.4, 1.0, "cpu")],
        **changes,
    }
    return LiftStudy(**options)


def test_bins_are_shares_hidden() -> None:
    assert [
        bin_of(replace(record("box", 0, 0.4), facts={"occlusion": share})) for share in (0.0, 0.19, 0.2, 0.5, 0.79)
    ] == [
        "0-20 %",
        "0-20 %",
        "20-50 %",
        "50-80 %",
        "50-80 %",
    ]


def test_a_difference_is_paired_by_object_in_every_bin() -> None:
    for group in ("0-20 %", "50-80 %", "all"):
        found = study().difference("toy", "flow", "box", "chamfer", group)
        assert found is not None
        assert (found.mean, found.low, found.high) == pytest.approx((-0.1, -0.1, -0.1))


def test_the_best_of_more_candidates_is_better_only_by_a_reward_that_knows() -> None:
    found = study()

    def best(count: int, reward: Any) -> float:
        chosen = [r.metrics["chamfer"] for r in found.chosen("toy", "flow", reward, count)]
        return sum(chosen) / len(chosen) - 0.001 * (ITEMS - 1) / 2

    assert [best(n, oracle_reward) for n in (1, 2, 4)] == pytest.approx([0.3, 0.25, 0.1])
    assert [best(n, visible_reward) for n in (1, 2, 4)] == pytest.approx([0.3, 0.25, 0.25])


def test_a_win_rate_compares_the_same_object_and_noise() -> None:
    found = study().win_rate("toy", "dpo", "flow", lambda scores: -scores["canonical_chamfer"])
    assert found is not None
    assert found.mean == pytest.approx(2 / 3)
    assert found.low < 2 / 3 < found.high
    tie = study().win_rate("toy", "dpo", "flow", lambda scores: scores["pieces"])
    assert tie is not None
    assert (tie.mean, tie.low, tie.high) == (0.5, 0.5, 0.5)


def test_a_failed_object_is_counted_and_not_averaged() -> None:
    records = [replace(r, reason="no surface", metrics={}) if r.item == "3" else r for r in study().records]
    found = study(records=records)
    assert found.failures("toy", "box") == 1
    assert found.count("toy", "box", "chamfer") == ITEMS - 1
    assert page(found).count("| 1 |") >= 1


def test_the_report_has_every_section_that_records_allow() -> None:
    text = page(study())
    for title in ("All methods, toy", "By occlusion", "flow against baselines", "After ICP", "Effects", "Best of N"):
        assert title in text
    assert "n = 10" in text
    assert "**-0.1000 [-0.1000, -0.1000]**" in text  # flow - box
    assert "66.7%" in text
    assert "| flow | cpu | 0.400 | 0.100 (batch of 16) | 4.00 | 1.00 | 1.0 |" in text
    assert "## Sky" in text
    assert "A perfect prediction has an EMD of 0.050." in text  # after ICP


def test_what_has_no_depth_is_no_sky_and_what_has_no_pixel_is_counted() -> None:
    records = [replace(r, facts={"family": "mug", "unseen": True}) if r.item == "3" else r for r in study().records]
    text = page(study(records=records))
    assert "| box | no | 14 |" in text  # of 15 odd ones
    assert "| box | yes | 15 |" in text
    assert "so that every method fails: 1 more" in text


def test_a_report_of_few_records_is_made_without_what_is_not_there() -> None:
    text = page(study(records=[record("box", 0, 0.4)], speeds=[], win_rates={}, effects={}))
    assert "All methods" in text
    assert "Speed" not in text
    assert "against baselines" not in text


def page(found: LiftStudy) -> str:
    return report_page(found).markdown()


class Counted(Method):
    """The ceiling, counting what it was asked; its second candidate fails."""

    candidates = 2

    def __init__(self, name: str = "counted") -> None:
        self.name, self.asked = name, 0

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"name": self.name}

    def predict(self, items: Sequence[MaskedObject], seeds: Sequence[int], candidate: int) -> list[Prediction | str]:
        self.asked += len(items)
        return OracleMethod().predict(items, seeds, 0) if candidate == 0 else ["no surface"] * len(items)


@pytest.mark.long
def test_what_is_measured_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "SHARD", 4)
    store = MaskedObjectStore(MaskedObjectConfig(WORLD, bins=()), range(4), tmp_path / "worlds")
    store.render(workers=1)
    test = EvaluationSet("toy", store, 3, 1, tmp_path / "truths")
    assert [test.has_icp(index) for index in test.indices].count(True) == 1
    path = records_path(tmp_path, test.name, "counted")
    method = Counted()
    with ThreadPoolExecutor(1) as pool:
        prepare_truths(test, pool, 1)
        assert measure("counted", method, test, path, pool, {}, batch=2)
        before = (path / "records.jsonl").read_bytes()
        assert not measure("counted", method, test, path, pool, {}, batch=2)
        assert method.asked == 6
        assert (path / "records.jsonl").read_bytes() == before
        assert measure("counted", Counted("other"), test, path, pool, {}, batch=2)
    records = read_records(path)
    assert [(r.item, r.candidate, bool(r.reason)) for r in records[:3]] == [
        ("0", 0, False),
        ("1", 0, False),
        ("0", 1, True),
    ]
    assert ["icp_chamfer" in r.metrics for r in records if r.candidate == 0].count(True) == 1
    assert all(r.metrics["add_s"] < 0.02 for r in records if r.candidate == 0)
    assert "visible_reward" in records[0].metrics


def test_of_an_item_without_depth_no_sky_is_recorded(tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / "a")
    write_photo(tmp_path / "photos" / "b", depth=False)
    store = PhotoStore(PhotoFolder(tmp_path / "photos"), root=tmp_path)
    test = EvaluationSet("toy", store, 2, 1, tmp_path)
    known, bare = store.draw(range(2))
    unseen = replace(known, mask=known.mask & False)
    facts = [lift_record(test, "box", item, 0, 0, {}, "").facts for item in (known, bare, unseen)]
    assert facts == [{"family": "a", "sky": True}, {"family": "b"}, {"family": "a", "unseen": True}]
    with pytest.raises(ValueError, match="no visible pixel of a in picture 0 has depth"):
        view_of(unseen)


def test_a_damaged_file_of_records_is_named(tmp_path: Path) -> None:
    (tmp_path / "records.jsonl").write_text("{")
    with pytest.raises(ValueError, match=r"records\.jsonl line 1 is not JSON"):
        read_records(tmp_path)


def known_only(records: Sequence[Record], *keys: str) -> list[Record]:
    """Leave the metrics `keys` alone, and no hidden share."""
    facts = {"family": "mug", "sky": False}
    return [replace(r, metrics={key: r.metrics[key] for key in keys}, facts=facts) for r in records]


def test_published_means_stand_beside_ours_or_beside_the_nearest_of_them() -> None:
    published = {"SAM 3D": {"box_iou_aligned": 0.4970, "add_s": 0.0765}, "MIDI": {"box_iou_aligned": 0.0336}}
    whole = study(published=published, differences=["other pictures"])
    failed = [replace(r, reason="no surface", metrics={}) if r.item == "0" else r for r in whole.records]
    found = report_page(replace(whole, records=failed)).markdown()
    assert "| SAM 3D |  |  | 0.497 | 0.0765 |" in found
    assert "| MIDI |  |  | 0.0336 |  |" in found
    assert "| box, ours | 30 | 1 | 0.41" in found
    assert "- other pictures" in found
    assert "true axes ↑ |" not in found.split("## All methods")[0]
    boxes = replace(whole, records=known_only(whole.records, "box_iou", "box_iou_true_axes"))
    found = report_page(boxes).markdown()
    assert "|  | objects | failed | 3D IoU, aligned boxes ↑ | ADD-S ↓ | 3D IoU, true axes ↑ |" in found
    assert "| box, ours | 30 | 0 |  |  | 0.41" in found
    assert "| SAM 3D |  |  | 0.497 | 0.0765 |  |" in found
    assert "Beside the published" not in report_page(study()).markdown()


def test_a_set_without_hidden_shares_and_places_is_reported_by_what_it_has() -> None:
    shapes = replace(study(), records=known_only(study().records, "icp_f1_0.01", "icp_chamfer", "icp_surface_iou"))
    assert shapes.bins("toy") == []
    found = report_page(shapes).markdown()
    assert "By occlusion" not in found
    assert "20-50 %" not in found
    assert "## After ICP, toy" in found
    assert "| box | all | " in found  # flow against box
    assert "Differences on toy: " in found
    assert "F1@.05 ↑" not in found
