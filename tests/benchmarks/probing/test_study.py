import re
from pathlib import Path

import pytest

from benchmarks.probing.report import report_page
from benchmarks.probing.sections import models
from benchmarks.probing.sites import METRICS, Errors, ProbeSite, probe_records
from benchmarks.probing.study import ProbeStudy
from benchmarks.records.manifest import Manifest
from benchmarks.records.record import Record

POSES = {metric.key for metric in METRICS} - {"point_error", "depth_error", "abs_rel"}
CLIPS = [f"clip-{k}" for k in range(40)]


def errors(level: float) -> dict[str, dict[str, float]]:
    """Errors that differ from clip to clip by the same amounts for every place."""
    return {clip: {m.key: level + 0.01 * (k % 5) for m in METRICS} for k, clip in enumerate(CLIPS)}


def without(metrics: set[str], found: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Errors of clips about which some metrics say nothing."""
    return {clip: {key: e for key, e in each.items() if key not in metrics} for clip, each in found.items()}


def probe(site: ProbeSite, seed: int, val: Errors, test: Errors) -> list[Record]:
    """The records of one probe."""
    return probe_records(site, seed, {"val": val, "test": test})


def sites(found: ProbeStudy) -> list[ProbeSite]:
    return list(found.by_site)


def study(**changes: object) -> ProbeStudy:
    levels = {
        ProbeSite("video", 2): 0.3,
        ProbeSite("video", 5): 0.2,
        ProbeSite("image", 2): 0.4,
        ProbeSite("image", 5): 0.5,
        ProbeSite("video", 5, None, "repeated"): 0.4,
        ProbeSite("video", 5, None, "linear"): 0.6,
    }
    records = [r for site, level in levels.items() for r in probe(site, 0, errors(level), errors(level))]
    options = {
        "title": "toy",
        "summary": "",
        "records": records,
        "chosen": {"video": ProbeSite("video", 5), "image": ProbeSite("image", 2)},
        "contrasts": [("video", "image")],
        "controls": ["repeated"],
        "capacities": ["linear"],
        "manifest": Manifest({}, "abc", "", {}, "", ""),
        "blocks": {"video": 6, "image": 6},
        **changes,
    }
    return ProbeStudy(**options)  # type: ignore[arg-type]


def page(found: ProbeStudy) -> str:
    return report_page(found).markdown()


def test_a_difference_is_paired_by_clip() -> None:
    found = study().difference(ProbeSite("video", 5), ProbeSite("image", 2), "point_error")
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
    there = ProbeSite("video", 5, None, "repeated")
    records = [r for r in study().records if ProbeSite.of(r) != there]
    moved = {f"pan-{k}": {"point_error": 0.1} for k in range(40)}
    found = study(records=[*records, *probe(there, 0, moved, moved)])
    assert found.difference(there, ProbeSite("video", 5), "point_error") is None
    assert found.estimate(there, "auc30") is None
    rows = [line for line in page(found).splitlines() if line.startswith("| video, repeated |")]
    assert rows
    assert all(set(row.removeprefix("| video, repeated")) <= {"|", " "} for row in rows)


def test_a_metric_about_which_no_clip_says_anything_stays_empty() -> None:
    found = without(POSES, errors(0.2))  # as of clips without parallax
    flat = study(records=[r for site in sites(study()) for r in probe(site, 0, found, found)])
    assert flat.validation(ProbeSite("video", 5), "auc30") is None
    assert "| video | 6/6 |  | **0.220** | 0.220 |  |" in page(flat)


def test_validation_clips_about_which_a_metric_says_nothing_do_not_count() -> None:
    site = ProbeSite("video", 5)
    val = {"seen": {"auc30": 0.6}, "turned": {"point_error": 0.1}}
    assert study(records=probe(site, 0, val, {})).validation(site, "auc30") == 0.6


def test_the_radar_draws_the_metrics_that_all_models_have() -> None:
    found = without(POSES, errors(0.4))
    others = [r for r in study().records if ProbeSite.of(r) != ProbeSite("image", 2)]
    (figure,) = models(study(records=[*others, *probe(ProbeSite("image", 2), 0, found, found)])).figures
    drawn = re.findall(r"<text[^>]*>([^<]+)</text>", figure)
    assert {"point error", "depth error", "AbsRel", "video", "image"} <= set(drawn)
    assert {metric.name for metric in METRICS if metric.key in POSES}.isdisjoint(drawn)


def test_two_metrics_make_no_radar() -> None:
    found = without({*POSES, "depth_error"}, errors(0.4))
    records = [r for site in sites(study()) for r in probe(site, 0, found, found)]
    assert models(study(records=records)).figures == []


def test_published_numbers_stand_beside_ours_with_what_differs() -> None:
    text = page(study(published={"video": {"point_error": 0.22}, "image": {"auc30": 0.9}}, differences=["the labels"]))
    section = text.split("## Beside the published numbers")[1].split("\n## ")[0]
    assert "- the labels" in section
    assert "| video | point error" in section
    assert section.count("| 0.22 | yes |") == 1
    assert section.count("| 0.9 | no |") == 1
    assert "Beside the published numbers" not in page(study())


def test_seeds_that_only_one_has_are_left_out() -> None:
    more = probe(ProbeSite("video", 5), 1, errors(9.0), errors(9.0))
    found = study(records=[*study().records, *more]).difference(
        ProbeSite("video", 5), ProbeSite("image", 2), "point_error"
    )
    assert found is not None
    assert found.mean == pytest.approx(-0.2)


def test_a_model_whose_grid_is_unfinished_is_left_out() -> None:
    text = page(study(chosen={"video": ProbeSite("video", 5)}, missing=["image, layer 2, seed 0"]))
    assert "Unfinished: image, layer 2, seed 0." in text
    assert "video - image" not in text


def test_the_page_holds_its_figures(tmp_path: Path) -> None:
    found = study()
    html = report_page(found).html()
    assert html.count("<svg") == 3  # radar, heat maps, capacities
