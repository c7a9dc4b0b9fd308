"""The sections of a lifting study's report: tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.cell import cell, percent_cell, share_cell
from benchmarks.comparison.metric import Metric
from benchmarks.lifting.report.confidence import confidence_section
from benchmarks.lifting.report.published import published
from benchmarks.lifting.rewards import Reward, connected_reward, oracle_reward, true_reward, visible_reward
from benchmarks.lifting.scores import AFTER_ICP, IN_CAMERA, LAYOUT, METRICS, SHAPE, TRUE_AXES
from benchmarks.lifting.study import ALL, LiftStudy, counted, lift_comparison, words
from benchmarks.report.page import Section
from benchmarks.report.table import Table, clear_cells, estimate_tables

HEADLINE = [METRICS[key] for key in ("f1_0.05", "chamfer", "solid_iou", "surface_iou", "box_iou", "add_s")]
OTHERS = [METRICS[key] for key in ("icp_f1_0.01", "icp_surface_iou", "box_iou_true_axes")]  # of sets that lack some
CANDIDATE_COUNTS = (1, 2, 4, 8, 16, 32)
CHOICES: Mapping[str, Reward] = {"visible": visible_reward, "oracle (ADD-S)": oracle_reward}
REWARDS: Mapping[str, Reward] = {
    "1: truth (Chamfer, own axes)": true_reward,
    "2: visible support": visible_reward,
    "3: connectedness": connected_reward,
}


def lift_sections(study: LiftStudy) -> list[Section]:
    """Make every section that has a table."""
    sections: list[Section] = []
    for test in study.tests:
        sections += [
            published(study, test),
            overview(study, test),
            in_camera(study, test),
            confidence_section(study, test),
            by_occlusion(study, test),
            against_baselines(study, test),
            after_icp(study, test),
            effects(study, test),
            best_of(study, test),
            preferences(study, test),
        ]
    return [section for section in [*sections, skies(study), speed(study)] if section.tables]


def headline(study: LiftStudy, test: str) -> list[Metric]:
    """List the headline metrics that an evaluation set has, and others where it lacks some."""
    found = study.measures(test, HEADLINE)
    return found if len(found) == len(HEADLINE) else [*found, *study.measures(test, OTHERS)]


def overview(study: LiftStudy, test: str) -> Section:
    """Score every method over all objects of an evaluation set, in shape and in layout."""
    methods = [method for method in study.methods if study.of(test, method)]
    shapes, layouts = study.measures(test, SHAPE), study.measures(test, (*LAYOUT, *TRUE_AXES))
    count = max((study.count(test, method, m.key) for method in methods for m in (*shapes, *layouts)), default=0)
    floors = [study.estimate(test, method, "emd_floor") for method in methods]
    floor = next((f"{estimate.mean:.3f}" for estimate in floors if estimate), "")
    records = [record for record in study.records if record.task == test]
    parts = [counted(count, records)]
    if unseen := {record.item for record in records if record.facts.get("unseen")}:
        parts.append(f"Without a pixel in their pictures, so that every method fails: {len(unseen)} more")
    if shapes:
        parts.append(
            "Shape: both meshes scaled to [-1, 1] in their own axes, the prediction in its predicted rotation; a "
            f"perfect prediction has an EMD of {floor}"
        )
    if layouts:
        parts.append("Layout: in the camera frame, nothing aligned")
    text = ". ".join([*parts, "Failed: objects without a mesh, left out of the means."])
    tables = []
    for metrics in filter(None, (shapes, layouts)):
        estimates = [[study.estimate(test, method, metric.key) for metric in metrics] for method in methods]
        failed = [[str(study.failures(test, method))] for method in methods]
        tables += estimate_tables(["method"], [[m] for m in methods], metrics, estimates, failed, ["failed"])
    return Section(f"All methods, {words(test)}", text, tables if methods else [])


def in_camera(study: LiftStudy, test: str) -> Section:
    """Score every method where the camera sees the object, and compare the main one; for records that have it."""
    metrics = (*IN_CAMERA, METRICS["solid_iou"], METRICS["add_s"])
    methods = [method for method in study.methods if study.estimate(test, method, IN_CAMERA[0].key)]
    rows = [[m, *(cell(study.estimate(test, m, metric.key), metric.digits) for metric in metrics)] for m in methods]
    head = ["", *(metric.heading for metric in metrics)]
    tables = [Table(head, rows)]
    pairs = [(name, pair) for name, pair in study.effects.items() if set(pair) <= set(methods)]
    differences = [[study.difference(test, *pair, metric.key) for metric in metrics] for _, pair in pairs]
    cells = [
        [name, *(cell(estimate, metric.digits, signed=True) for estimate, metric in zip(row, metrics, strict=True))]
        for (name, _), row in zip(pairs, differences, strict=True)
    ]
    if cells:
        tables.append(Table(["effect", *head[1:]], cells, clear_cells(differences, left=1)))
    text = (
        "Surfaces and boxes in the camera frame, nothing aligned or scaled; F1 within 5 % of the largest side of the "
        "true object. Solid IoU is of watertight objects; vIoU scales both, as above. Bold: clear after Holm's "
        "correction."
    )
    return Section(f"In the camera, {words(test)}", text, tables if methods else [])


def by_occlusion(study: LiftStudy, test: str) -> Section:
    """Score every method by the hidden share of the object."""
    methods = [method for method in study.methods if study.of(test, method)]
    metrics, bins = headline(study, test), study.bins(test)
    if not methods or not metrics or not bins:
        return Section("", "")
    counts = [study.count(test, methods[0], metrics[0].key, group) for group in bins]
    tables = [
        Table(
            [metric.heading, *(f"{group} hidden (n = {n})" for group, n in zip(bins, counts, strict=True))],
            [[m, *(cell(study.estimate(test, m, metric.key, g), metric.digits) for g in bins)] for m in methods],
        )
        for metric in metrics
    ]
    return Section(f"By occlusion, {words(test)}", "Hidden share of the silhouette.", tables)


def against_baselines(study: LiftStudy, test: str) -> Section:
    """Compare the main arm with every baseline, in every bin."""
    if study.main is None or not study.of(test, study.main):
        return Section("", "")
    main, metrics, groups = study.main, headline(study, test), (*study.bins(test), ALL)
    rows = [(baseline, group) for baseline in study.baselines if study.of(test, baseline) for group in groups]
    table = differences_table(
        metrics,
        ["baseline", "hidden"],
        rows,
        [[study.difference(test, main, baseline, m.key, group) for m in metrics] for baseline, group in rows],
    )
    text = (
        f"{main} minus each baseline, paired by object. Bold: clear after Holm's correction over the table, "
        "in either direction. An interval that contains 0 is a null result."
    )
    return Section(f"{main} against baselines, {words(test)}", text, [table] if rows else [])


def after_icp(study: LiftStudy, test: str) -> Section:
    """Score every method after ICP, on the objects for which it was run."""
    methods = [method for method in study.methods if study.count(test, method, "icp_chamfer")]
    metrics = study.measures(test, AFTER_ICP)
    estimates = [[study.estimate(test, method, metric.key) for metric in metrics] for method in methods]
    count = max((study.count(test, method, "icp_chamfer") for method in methods), default=0)
    floors = [study.estimate(test, method, "icp_emd_floor") for method in methods]
    floor = next((f"{estimate.mean:.3f}" for estimate in floors if estimate), "")
    text = (
        f"{counted(count, [])}, evenly spaced. Shape after ICP (48 starts, rigid, scale as normalised), the published "
        "protocol; ICP-Rot is the remaining rotation of ICP, the smallest among equally good ones."
        + (f" A perfect prediction has an EMD of {floor}." if floor else "")
    )
    tables = estimate_tables(["method"], [[method] for method in methods], metrics, estimates)
    return Section(f"After ICP, {words(test)}", text, tables if methods else [])


def effects(study: LiftStudy, test: str) -> Section:
    """Compare the pairs of methods that the study names."""
    named = [(name, pair) for name, pair in study.effects.items() if all(study.of(test, m) for m in pair)]
    metrics = headline(study, test)
    differences = [[study.difference(test, *pair, metric.key) for metric in metrics] for _, pair in named]
    base = [[study.estimate(test, pair[1], metric.key) for metric in metrics] for _, pair in named]
    rows = [[name, f"{pair[0]} - {pair[1]}"] for name, pair in named]
    table = differences_table(metrics, ["effect", "first - second"], rows, differences, base)
    text = (
        "Paired by object; in brackets, as a share of the second's mean, with its interval. Bold: clear after Holm's "
        "correction over the table. An interval that contains 0 is a null result."
    )
    return Section(f"Effects, {words(test)}", text, [table] if named else [])


def best_of(study: LiftStudy, test: str) -> Section:
    """Choose among candidates by a reward, and score the choice, by the number of candidates."""
    if not study.measures(test, [METRICS["add_s"]]):  # rewards compare with the truth in its place
        return Section("", "")
    tables = []
    chamfer = METRICS["chamfer"]
    for method in study.methods:
        counts = [count for count in CANDIDATE_COUNTS if count <= study.candidates(method)]
        if len(counts) < 2 or not study.of(test, method):
            continue
        rows = []
        for name, reward in CHOICES.items():
            first = study.chosen(test, method, reward, 1)
            for count in counts:
                chosen = study.chosen(test, method, reward, count)
                gain = lift_comparison(chamfer.key).difference(chosen, first)
                means = (cell(lift_comparison(m.key).estimate(chosen), m.digits) for m in HEADLINE)
                rows.append([method, name, str(count), *means, cell(gain, chamfer.digits, signed=True)])
        head = ["arm", "chosen by", "N", *(metric.heading for metric in HEADLINE), "Chamfer, best of N - first"]
        tables.append(Table(head, rows, label=3))
    text = (
        "The best of the first N candidates of each object. Visible: a reward from the picture and its depth. "
        "Oracle: the truth, an upper bound."
    )
    return Section(f"Best of N, {words(test)}", text, tables)


def preferences(study: LiftStudy, test: str) -> Section:
    """Count how often one model's samples have a greater reward than another's, from the same noise."""
    known = study.measures(test, [METRICS["add_s"]])
    named = [(name, p) for name, p in study.win_rates.items() if known and all(study.of(test, m) for m in p)]
    rates = [[study.win_rate(test, *pair, reward) for reward in REWARDS.values()] for _, pair in named]
    rows = [
        [name, f"{pair[0]} against {pair[1]}", *map(percent_cell, row)]
        for (name, pair), row in zip(named, rates, strict=True)
    ]
    text = (
        "Share of objects and noises where the first model has the greater reward; a tie is half. Bold: other than one "
        "half after Holm's correction over the table; an interval that contains 50 % is a null result. Rewards 2 and 3 "
        "need no truth."
    )
    head = ["preference", "models", *(f"reward {name}" for name in REWARDS)]
    tables = [Table(head, rows, clear_cells(rates, left=2), label=2)] if rows else []
    return Section(f"Win rates, {words(test)}", text, tables)


def skies(study: LiftStudy) -> Section:
    """Score methods on pictures with and without a region that has no depth; objects without any are left out."""
    rows = []
    for method in study.methods:
        for sky in (False, True):
            records = [
                r for test in study.tests for r in study.of(test, method) if r.facts.get("sky") is sky and r.metrics
            ]
            if records:
                cells = [cell(lift_comparison(m.key).estimate(records), m.digits) for m in HEADLINE]
                rows.append([method, "yes" if sky else "no", str(len(records)), *cells])
    head = ["method", "sky", "objects", *(metric.heading for metric in HEADLINE)]
    text = "All evaluation sets together. Sky: a region of the picture without depth."
    both = {row[1] for row in rows} == {"yes", "no"}
    return Section("Sky", text, [Table(head, rows, label=3)] if both else [])


def speed(study: LiftStudy) -> Section:
    """List seconds an object, one by one and in a batch, and ratios to the first arm."""
    at = {(s.arm, s.batch == 1): s for s in study.speeds}
    rows = []
    arms = list(dict.fromkeys(s.arm for s in study.speeds))
    for arm in arms:
        batch, single, first = at[arm, False], at[arm, True], at[arms[0], False]
        rows.append(
            [
                arm,
                batch.device,
                f"{single.seconds:.3f}",
                f"{batch.seconds:.3f} (batch of {batch.batch})",
                f"{single.seconds / batch.seconds:.2f}",
                f"{first.seconds / batch.seconds:.2f}",
                f"{max(single.load, batch.load):.1f}",
            ]
        )
    head = ["arm", "device", "s alone", "s in a batch", "batch gain"]
    head += [f"speed vs {arms[0]}" if arms else "", "load"]
    text = (
        "Seconds an object: wall clock of the whole call, mesh included; the least of the repeats. Batch gain: "
        "throughput in a batch over that one by one. Load: load average of the machine."
    )
    return Section("Speed", text, [Table(head, rows)] if rows else [])


def differences_table(
    metrics: Sequence[Metric],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    differences: Sequence[Sequence[Estimate | None]],
    base: Sequence[Sequence[Estimate | None]] | None = None,
) -> Table:
    """Write differences of metrics; bold where clear after Holm's correction over the table."""
    cells = [
        [
            cell(estimate, metric.digits, signed=True) + share_cell(estimate, base[i][j] if base else None)
            for j, (estimate, metric) in enumerate(zip(row, metrics, strict=True))
        ]
        for i, row in enumerate(differences)
    ]
    full = [[*row, *more] for row, more in zip(rows, cells, strict=True)]
    bold = clear_cells(differences, left=len(head))
    return Table([*head, *(metric.heading for metric in metrics)], full, bold, label=len(head))
