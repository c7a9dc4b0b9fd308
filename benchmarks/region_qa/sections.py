"""The sections of a report: tables and figures, made from the records of a study."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from benchmarks.region_qa.categories import GROUPS, KNOWN_AS
from benchmarks.region_qa.factorial import factorial_effects
from benchmarks.region_qa.linear_probes import ProbeScores, r2_difference, r2_estimate
from benchmarks.region_qa.scores import Row, Score, arms_of, numeric_errors
from benchmarks.region_qa.study import Contrast, Endpoint, Study, TaskResult
from benchmarks.region_qa.timestamp_scaling import responses
from benchmarks.report.page import Section, Table
from benchmarks.report.plots import category_bars, difference_forest, probe_bars, probe_curves


def all_sections(study: Study) -> list[Section]:
    """Make every section that the study has something to say in."""
    plain = [task for task in study.tasks if task.pace == 1.0]
    found = [
        headline(study),
        *(scores(study, task) for task in plain),
        scaling(study),
        factorials(study),
        probes(study),
        errors(study.tasks[0]),
        seeds(study.tasks[0]),
    ]
    return [section for section in found if section.tables]


def headline(study: Study) -> Section:
    """List the primary endpoints."""
    lines = []
    for endpoint in study.primary:
        for score in primary_scores(study, endpoint):
            lines.append((endpoint, score))
    rows = [
        [f"{e.contrast[0]} - {e.contrast[1]}", e.category, e.task, s.text(), f"{s.estimate.p_value:.4f}"]
        for e, s in lines
    ]
    bold = frozenset((i, 3) for i, (_, score) in enumerate(lines) if score.clear)
    table = [Table(["contrast", "category", "task", "difference [95 %]", "p"], rows, bold)] if rows else []
    return Section("Primary endpoints", "Named in the configuration of the study before it ran.", table)


def primary_scores(study: Study, endpoint: Endpoint) -> list[Score]:
    """Find the difference that an endpoint names; none where its arms or its category are missing."""
    task = next(task for task in study.tasks if task.name == endpoint.task)
    contrasts = study.contrasts_in(task)
    return [
        found
        for row in study.rows[task.name]
        for contrast, found in zip(contrasts, row.differences, strict=True)
        if row.category == endpoint.category and contrast == endpoint.contrast and found is not None
    ]


def scores(study: Study, task: TaskResult) -> Section:
    """Show accuracies and differences of one task."""
    rows, contrasts, arms = study.rows[task.name], study.contrasts_in(task), arms_of(task.records)
    categories = [row.category for row in rows]
    bars = category_bars(
        categories,
        {arm: [row.scores[k].estimate for row in rows] for k, arm in enumerate(arms)},
        [row.constant for row in rows],
        [row.no_time for row in rows],
    )
    figures = [bars]
    if contrasts:
        columns = zip(*(row.differences for row in rows), strict=True)
        estimates = ([None if d is None else d.estimate for d in column] for column in columns)
        figures.append(difference_forest(categories, dict(zip(names_of(contrasts), estimates, strict=True))))
    return Section(f"Accuracy: {task.name}", task.about, [score_table(rows, arms, contrasts)], figures)


def score_table(rows: Sequence[Row], arms: Sequence[str], contrasts: Sequence[Contrast]) -> Table:
    """Lay out rows of scores and differences; clear differences are bold."""
    timed = any(row.no_time is not None for row in rows)
    lines, bold = [], set()
    for i, row in enumerate(rows):
        left = [row.category, KNOWN_AS.get(row.category, ""), str(row.items), f"{row.constant:.3f}"]
        left += [("" if row.no_time is None else f"{row.no_time:.3f}")] if timed else []
        differences = ["" if d is None else d.text() for d in row.differences]
        lines.append([*left, *(score.text() for score in row.scores), *differences])
        first = len(left) + len(row.scores)
        bold |= {(i, first + j) for j, d in enumerate(row.differences) if d is not None and d.clear}
    head = ["category", "elsewhere", "items", "constant", *(["no time"] if timed else []), *arms]
    return Table([*head, *(f"{name} [95 %]" for name in names_of(contrasts))], lines, frozenset(bold))


def names_of(contrasts: Sequence[Contrast]) -> list[str]:
    """Name differences."""
    return [f"{first} - {second}" for first, second in contrasts]


def scaling(study: Study) -> Section:
    """Show how numeric answers follow scaled timestamps."""
    true = study.tasks[0]
    lines = []
    for task in study.tasks:
        if task.pace == 1.0:
            continue
        for r in responses(true.records, task.records, task.pace):
            text = f"{r.factor.mean:.2f} [{r.factor.low:.2f}, {r.factor.high:.2f}]"
            length = "" if r.seen is None else "seen" if r.seen else "unseen"
            lines.append([r.arm, r.category, f"{r.pace:g}", length, f"{r.expected:g}", text, str(r.items)])
    head = ["arm", "category", "seconds times", "length", "a model that reads time", "answers times [95 %]", "items"]
    return Section(
        "Scaled timestamps",
        "The same clips with all timestamps multiplied, answers compared item by item (geometric mean of the ratio). A "
        "model that reads time says twice the speed where seconds are halved, and the same displacement. The length of "
        "a scaled clip is seen where true clips, which last as those of the training do, are as short and as long.",
        [Table(head, lines)] if lines else [],
    )


def factorials(study: Study) -> Section:
    """Show main effects and interactions of crossed factors."""
    records = study.tasks[0].records
    arms, tables = set(arms_of(records)), []
    for title, cells in study.factorials.items():
        if not {arm for row in cells for arm in row} <= arms:
            continue
        one, other = title.split(" x ")
        lines = []
        for name in (*GROUPS, *dict.fromkeys(e.category for e in study.primary if e.category not in GROUPS)):
            effects = factorial_effects(records, cells, name)
            if effects is not None:
                three = (effects.first, effects.second, effects.interaction)
                lines.append([name, *(Score(e, signed=True).text() for e in three)])
        tables.append(Table([f"{one} x {other}", one, other, "interaction"], lines))
    return Section(
        "Factorial",
        "Mean effect of each factor over both levels of the other, and the interaction (how much more one brings where "
        "the other is there), paired by item, 95 %.",
        tables,
    )


def probes(study: Study) -> Section:
    """Show linear probes of the frozen states of every arm."""
    if not study.probes:
        return Section("Linear probes", "")
    signals = list(next(iter(study.probes.values()))[0].error)
    estimates = {arm: [r2_estimate(scores, signal) for signal in signals] for arm, scores in study.probes.items()}
    rows = [[arm, *(Score(e).text() for e in row)] for arm, row in estimates.items()]
    tables, bold = [Table(["R2", *signals], rows)], set()
    lines: list[list[str]] = []
    for a, b in study.contrasts:
        if {a, b} <= set(study.probes):
            found = [r2_difference(study.probes[a], study.probes[b], signal) for signal in signals]
            bold |= {(len(lines), j + 1) for j, e in enumerate(found) if e is not None and e.excludes_zero}
            lines.append([f"{a} - {b}", *("" if e is None else Score(e, signed=True).text() for e in found)])
    if lines:
        tables.append(Table(["difference of R2", *signals], lines, frozenset(bold)))
    return Section(
        "Linear probes",
        "Ridge regression from the frozen hidden states of the last layer at the visual tokens to the mean true signal "
        "of each token's cell, fitted afterwards on scenes that no arm was trained on; share of variance explained on "
        "other scenes. Intervals over clips (and seeds); bold differences exclude 0, uncorrected.",
        tables,
        [probe_bars(signals, estimates), probe_curves(signals, {a: layer_means(s) for a, s in study.probes.items()})],
    )


def layer_means(scores: Sequence[ProbeScores]) -> dict[str, list[float]]:
    """Average R2 of every layer over seeds, by signal."""
    return {
        signal: [sum(layer) / len(scores) for layer in zip(*(s.by_layer[signal] for s in scores), strict=True)]
        for signal in scores[0].by_layer
    }


def errors(task: TaskResult) -> Section:
    """Show errors of numeric answers."""
    rows = [
        [
            e.category,
            e.arm,
            "" if isnan(e.median_relative) else f"{e.median_relative:.1%}",
            "" if isnan(e.mean_log) else f"{e.mean_log:.3f}",
            f"{e.unparsed:.1%}",
        ]
        for e in numeric_errors(task.records)
    ]
    head = ["category", "arm", "median relative error", "mean abs. log error", "unparsed"]
    return Section("Numeric answers", f"Of {task.name}.", [Table(head, rows)] if rows else [])


def seeds(task: TaskResult) -> Section:
    """List the training seeds of every arm."""
    of_arm = {arm: sorted({r.seed for r in task.records if r.arm == arm}) for arm in arms_of(task.records)}
    rows = [[arm, ", ".join(map(str, found))] for arm, found in of_arm.items()]
    return Section(
        "Training seeds", "", [Table(["arm", "seeds"], rows)] if len(set(map(tuple, of_arm.values()))) > 1 else []
    )
