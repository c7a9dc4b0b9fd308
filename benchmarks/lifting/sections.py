"""The sections of the report on lifting: tables from records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks.lifting.scores import AFTER_ICP, LAYOUT, METRICS, SHAPE, Metric
from benchmarks.lifting.study import (
    BINS,
    GROUPS,
    LiftStudy,
    Scores,
    connected_reward,
    difference_of,
    estimate_of,
    oracle_reward,
    true_reward,
    visible_reward,
)
from benchmarks.probing.sections import clear_cells
from benchmarks.report.page import Section, Table
from benchmarks.statistics import Estimate

HEADLINE = [METRICS[key] for key in ("f1_0.05", "chamfer", "solid_iou", "surface_iou", "box_iou", "add_s")]
COUNTS = (1, 2, 4, 8, 16, 32)  # of candidates
CHOICES: Mapping[str, Callable[[Scores], float]] = {"visible": visible_reward, "oracle (ADD-S)": oracle_reward}
REWARDS: Mapping[str, Callable[[Scores], float]] = {
    "1: truth (Chamfer, own axes)": true_reward,
    "2: visible support": visible_reward,
    "3: connectedness": connected_reward,
}


def lift_sections(study: LiftStudy) -> list[Section]:
    """Make every section that the study has something to say in."""
    found: list[Section] = []
    for test in study.tests:
        found += [
            overview(study, test),
            by_occlusion(study, test),
            against_baselines(study, test),
            after_icp(study, test),
        ]
        found += [effects(study, test), best_of(study, test), preferences(study, test)]
    return [section for section in [*found, skies(study), speed(study)] if section.tables]


def overview(study: LiftStudy, test: str) -> Section:
    """Score every method over all items of a test set, in shape and in layout."""
    methods = [method for method in study.methods if study.of(test, method)]
    count = max((len(study.scores(test, method, "chamfer")) for method in methods), default=0)
    floors = [estimate_of(study.scores(test, method, "emd_floor")) for method in methods]
    floor = next((f"{found.mean:.3f}" for found in floors if found), "")
    said = (
        f"{count} objects. Shape: both meshes scaled to [-1, 1] in their own axes, the prediction turned as it was "
        f"predicted; a perfect prediction has an EMD of {floor}. Layout: in the camera frame, nothing aligned. Failed: "
        "objects without a mesh, left out of the means."
    )
    tables = [
        Table(
            ["method", *(metric.heading for metric in metrics), "failed"],
            [
                [m, *(cell(study.estimate(test, m, k.key), k) for k in metrics), str(study.failures(test, m))]
                for m in methods
            ],
        )
        for metrics in (SHAPE, LAYOUT)
    ]
    return Section(f"All methods, {words(test)}", said, tables if methods else [])


def by_occlusion(study: LiftStudy, test: str) -> Section:
    """Score every method by how much of the object is hidden."""
    methods = [method for method in study.methods if study.of(test, method)]
    if not methods:
        return Section("", "")
    counts = [len(study.scores(test, methods[0], "chamfer", group)) for group in BINS]
    tables = [
        Table(
            [metric.heading, *(f"{group} hidden (n = {n})" for group, n in zip(BINS, counts, strict=True))],
            [[m, *(cell(study.estimate(test, m, metric.key, group), metric) for group in BINS)] for m in methods],
        )
        for metric in HEADLINE
    ]
    return Section(f"By occlusion, {words(test)}", "Hidden share of the silhouette.", tables)


def against_baselines(study: LiftStudy, test: str) -> Section:
    """Compare the main arm with every baseline, in every bin."""
    if study.main is None or not study.of(test, study.main):
        return Section("", "")
    rows: list[tuple[str, str]] = [(b, group) for b in study.baselines if study.of(test, b) for group in GROUPS]
    found = {
        f"{b}/{group}/{metric.key}": study.difference(test, study.main, b, metric.key, group)
        for b, group in rows
        for metric in HEADLINE
    }
    table = differences_table(
        ["baseline", "hidden"],
        [[b, group] for b, group in rows],
        [[found[f"{b}/{group}/{metric.key}"] for metric in HEADLINE] for b, group in rows],
    )
    said = (
        f"{study.main} minus each baseline, paired by object. Bold: clear after Holm's correction over the table, "
        "either way. An interval that holds 0 is a null result."
    )
    return Section(f"{study.main} against baselines, {words(test)}", said, [table] if rows else [])


def after_icp(study: LiftStudy, test: str) -> Section:
    """Score every method after ICP, on the objects that it was run for."""
    methods = [method for method in study.methods if study.scores(test, method, "icp_chamfer")]
    rows = [[m, *(cell(study.estimate(test, m, k.key), k) for k in AFTER_ICP)] for m in methods]
    count = max((len(study.scores(test, method, "icp_chamfer")) for method in methods), default=0)
    said = (
        f"{count} objects, spread evenly. Shape after ICP (48 starts, rigid, scale as normalised), the published "
        "protocol; ICP-Rot is the turn that ICP still makes, the smallest among equally good ones."
    )
    table = Table(["method", *(k.heading for k in AFTER_ICP)], rows)
    return Section(f"After ICP, {words(test)}", said, [table] if rows else [])


def effects(study: LiftStudy, test: str) -> Section:
    """Compare the pairs of methods that the study names."""
    named = [(name, pair) for name, pair in study.effects.items() if all(study.of(test, m) for m in pair)]
    found = [[study.difference(test, *pair, metric.key) for metric in HEADLINE] for _, pair in named]
    base = [[study.estimate(test, pair[1], metric.key) for metric in HEADLINE] for _, pair in named]
    table = differences_table(
        ["effect", "first - second"], [[name, f"{pair[0]} - {pair[1]}"] for name, pair in named], found, base
    )
    said = (
        "Paired by object; in brackets, as a share of the second's mean, with its interval. Bold: clear after Holm's "
        "correction over the table. An interval that holds 0 is a null result."
    )
    return Section(f"Effects, {words(test)}", said, [table] if named else [])


def best_of(study: LiftStudy, test: str) -> Section:
    """Choose among candidates by a reward, and score the choice, by how many there are."""
    tables = []
    for method in study.methods:
        counts = [count for count in COUNTS if count <= study.candidates(method)]
        if len(counts) < 2 or not study.of(test, method):
            continue
        rows = []
        for name, reward in CHOICES.items():
            for count in counts:
                chosen = [study.chosen(test, method, metric.key, reward, count) for metric in HEADLINE]
                rows.append(
                    [
                        method,
                        name,
                        str(count),
                        *(cell(estimate_of(s), k) for s, k in zip(chosen, HEADLINE, strict=True)),
                        cell(
                            difference_of(chosen[1], study.chosen(test, method, "chamfer", reward, 1)),
                            METRICS["chamfer"],
                            signed=True,
                        ),
                    ]
                )
        head = ["arm", "chosen by", "N", *(k.heading for k in HEADLINE), "Chamfer, best of N - first"]
        tables.append(Table(head, rows))
    said = (
        "The best of the first N candidates of each object. Visible: a reward of what the picture and its depth show. "
        "Oracle: the truth, a bound."
    )
    return Section(f"Best of N, {words(test)}", said, tables)


def preferences(study: LiftStudy, test: str) -> Section:
    """Say how often one model's samples have a greater reward than another's, from the same noise."""
    named = [(name, pair) for name, pair in study.win_rates.items() if all(study.of(test, m) for m in pair)]
    found = [[study.win_rate(test, *pair, reward) for reward in REWARDS.values()] for _, pair in named]
    flat = {f"{i}/{j}": e for i, row in enumerate(found) for j, e in enumerate(row) if e is not None}
    clear = clear_cells(flat) if flat else {}
    bold = frozenset((int(i), int(j) + 2) for i, j in (key.split("/") for key, said in clear.items() if said))
    rows = [
        [name, f"{pair[0]} against {pair[1]}", *(rate(e) for e in row)]
        for (name, pair), row in zip(named, found, strict=True)
    ]
    said = (
        "Share of objects and noises where the first model has the greater reward; a tie is half. Bold: other than one "
        "half after Holm's correction over the table; an interval that holds 50 % is a null result. Rewards 2 and 3 "
        "need no truth."
    )
    head = ["preference", "models", *(f"reward {name}" for name in REWARDS)]
    return Section(f"Win rates, {words(test)}", said, [Table(head, rows, bold)] if rows else [])


def skies(study: LiftStudy) -> Section:
    """Score methods on pictures with and without a region that has no depth."""
    rows = []
    for method in study.methods:
        for sky in (False, True):
            some = [r for r in study.records if r.method == method and r.sky == sky and not r.candidate and r.scores]
            cells = [cell(estimate_of({r.test + r.item: r.scores[k.key] for r in some}), k) for k in HEADLINE]
            if some:
                rows.append([method, "yes" if sky else "no", str(len(some)), *cells])
    head = ["method", "sky", "objects", *(metric.heading for metric in HEADLINE)]
    said = "All test sets together. Sky: a region of the picture without depth."
    return Section("Sky", said, [Table(head, rows)] if {row[1] for row in rows} == {"yes", "no"} else [])


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
    head = ["arm", "device", "s an object alone", "s an object in a batch", "throughput ratio"]
    head += [f"speed against {arms[0]}" if arms else "", "load average"]
    said = "Wall clock of the whole call, mesh included; the least of the repeats."
    return Section("Speed", said, [Table(head, rows)] if rows else [])


def differences_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    found: Sequence[Sequence[Estimate | None]],
    base: Sequence[Sequence[Estimate | None]] | None = None,
) -> Table:
    """Write differences of the headline metrics; bold where clear after Holm's correction over the table."""
    flat = {f"{i}/{j}": e for i, row in enumerate(found) for j, e in enumerate(row) if e is not None}
    clear = clear_cells(flat) if flat else {}
    bold = frozenset((int(i), int(j) + len(head)) for i, j in (key.split("/") for key, said in clear.items() if said))
    cells = [
        [
            cell(e, k, signed=True) + share(e, base[i][j] if base else None)
            for j, (e, k) in enumerate(zip(row, HEADLINE, strict=True))
        ]
        for i, row in enumerate(found)
    ]
    full = [[*row, *more] for row, more in zip(rows, cells, strict=True)]
    return Table([*head, *(metric.heading for metric in HEADLINE)], full, bold)


def cell(found: Estimate | None, metric: Metric, signed: bool = False) -> str:
    """Write a mean with its interval, in the digits of the metric; nothing where there is none."""
    if found is None:
        return ""
    form = f"{{:{'+' if signed else ''}.{metric.digits}f}}"
    mean, low, high = (form.format(value) for value in (found.mean, found.low, found.high))
    return f"{mean} [{low}, {high}]"


def share(found: Estimate | None, base: Estimate | None) -> str:
    """Write a difference as a share of a mean."""
    if found is None or base is None or not base.mean:
        return ""
    mean, low, high = (f"{value / base.mean:+.1%}" for value in (found.mean, found.low, found.high))
    return f" ({mean} [{low}, {high}])"


def rate(found: Estimate | None) -> str:
    """Write a share with its interval."""
    return "" if found is None else f"{found.mean:.1%} [{found.low:.1%}, {found.high:.1%}]"


def words(test: str) -> str:
    """Name a test set."""
    return test.replace("_", " ")
