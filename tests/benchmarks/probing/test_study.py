import re
from pathlib import Path

import pytest

from benchmarks.probing.sections import models, probe_sections
from benchmarks.probing.study import METRICS, Place, ProbeResult, ProbeStudy
from benchmarks.records.manifest import Manifest
from benchmarks.report.page import Page

POSES = {metric.key for metric in METRICS} - {"point_error", "depth_error", "abs_rel"}
CLIPS = [f"clip-{k}" for k in range(40)]


def errors(level: float) -> dict[str, dict[str, float]]:
    """Errors that differ from clip to clip by the same amounts for every place."""
    return {clip: {m.key: level + 0.01 * (k % 5) for m in METRICS} for k, clip in enumerate(CLIPS)}


def without(metrics: set[str], found: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Errors of clips about which some metrics say nothing."""
    return {clip: {key: e for key, e in each.items() if key not in metrics} for clip, each in found.items()}


def study(**changes: object) -> ProbeStudy:
    levels = {
        Place("video", 2): 0.3,
        Place("video", 5): 0.2,
        Place("image", 2): 0.4,
        Place("image", 5): 0.5,
        Place("video", 5, None, "repeated"): 0.4,
        Place("video", 5, None, "linear"): 0.6,
    }
    results = [ProbeResult(place, 0, errors(level), errors(level)) for place, level in levels.items()]
    options = {
        "title": "toy",
        "summary": "",
        "results": results,
        "chosen": {"video": Place("video", 5), "image": Place("image", 2)},
        "contrasts": [("video", "image")],
        "controls": ["repeated"],
        "ladder": ["linear"],
        "manifest": Manifest({}, "abc", "", {}, "", ""),
        "blocks": {"video": 6, "image": 6},
        **changes,
    }
    return ProbeStudy(**options)  # type: ignore[arg-type]


def page(found: ProbeStudy) -> str:
    return Page(found.title, found.summary, "", probe_sections(found), found.manifest, found.missing).markdown()


def test_a_difference_is_paired_by_clip() -> None:
    found = study().difference(Place("video", 5), Place("image", 2), "point_error")
    assert found is not None
    assert (found.mean, found.low, found.high) == pytest.approx((-0.2, -0.2, -0.2))


def test_the_tables_say_what_was_chosen_and_what_a_control_leaves() -> None:
    text = page(study())
    assert "| video | 6/6 |  | 0.220 [" in text
    assert "| video - image | **-0.200 [-0.200, -0.200] (-48%)**" in text
    assert "| video, repeated | +0.200 [+0.200, +0.200] |" in text
    assert "| video | linear | 0.620 [" in text
    assert "| video | 6/6 |  | **0.220** |" in text  # the grid marks what validation chose


def test_a_control_on_other_clips_is_not_subtracted() -> None:
    there = Place("video", 5, None, "repeated")
    results = [r for r in study().results if r.place != there]
    moved = {f"pan-{k}": {"point_error": 0.1} for k in range(40)}
    found = study(results=[*results, ProbeResult(there, 0, moved, moved)])
    assert found.difference(there, Place("video", 5), "point_error") is None
    assert found.estimate(there, "auc30") is None
    assert "| video, repeated |  |  |  |  |  |  |" in page(found)


def test_a_metric_about_which_no_clip_says_anything_stays_empty() -> None:
    found = without(POSES, errors(0.2))  # as of clips without parallax
    flat = study(results=[ProbeResult(result.place, 0, found, found) for result in study().results])
    assert flat.validation(Place("video", 5), "auc30") is None
    assert "| video | 6/6 |  | **0.220** | 0.220 |  |" in page(flat)


def test_validation_clips_about_which_a_metric_says_nothing_do_not_count() -> None:
    place = Place("video", 5)
    val = {"seen": {"auc30": 0.6}, "turned": {"point_error": 0.1}}
    assert study(results=[ProbeResult(place, 0, val, {})]).validation(place, "auc30") == 0.6


def test_the_radar_draws_the_metrics_that_all_models_have() -> None:
    found = without(POSES, errors(0.4))
    others = [result for result in study().results if result.place != Place("image", 2)]
    (figure,) = models(study(results=[*others, ProbeResult(Place("image", 2), 0, found, found)])).figures
    drawn = re.findall(r"<text[^>]*>([^<]+)</text>", figure)
    assert {"point error", "depth error", "AbsRel", "video", "image"} <= set(drawn)
    assert {metric.name for metric in METRICS if metric.key in POSES}.isdisjoint(drawn)


def test_two_metrics_make_no_radar() -> None:
    found = without({*POSES, "depth_error"}, errors(0.4))
    assert models(study(results=[ProbeResult(r.place, 0, found, found) for r in study().results])).figures == []


def test_seeds_that_only_one_has_are_left_out() -> None:
    more = ProbeResult(Place("video", 5), 1, errors(9.0), errors(9.0))
    found = study(results=[*study().results, more]).difference(Place("video", 5), Place("image", 2), "point_error")
    assert found is not None
    assert found.mean == pytest.approx(-0.2)


def test_a_model_whose_grid_is_unfinished_is_left_out() -> None:
    text = page(study(chosen={"video": Place("video", 5)}, missing=["image, layer 2, seed 0"]))
    assert "Unfinished: image, layer 2, seed 0." in text
    assert "video - image" not in text


def test_the_page_holds_its_figures(tmp_path: Path) -> None:
    found = study()
    html = Page(found.title, found.summary, "", probe_sections(found), found.manifest).html()
    assert html.count("<svg") == 3  # radar, heat maps, ladder
