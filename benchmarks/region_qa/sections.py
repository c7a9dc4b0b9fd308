"""The sections of a report on region questions: tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.cell import cell, number_cell, point
from benchmarks.region_qa.analyses.counterfactual_section import counterfactual_section
from benchmarks.region_qa.analyses.duration_curve import CATEGORIES, DurationBin, duration_bins
from benchmarks.region_qa.analyses.factorial import factorial_effects
from benchmarks.region_qa.analyses.linear_probes import ProbeScores, r2_difference, r2_estimate
from benchmarks.region_qa.analyses.recovered import recovered_share
from benchmarks.region_qa.analyses.timestamp_scaling import responses
from benchmarks.region_qa.categories import GROUPS, PUBLISHED_EQUIVALENT
from benchmarks.region_qa.measure import POINTING, UNKNOWN_WORDS
from benchmarks.region_qa.scores import Contrast, Row, arms_of, numeric_errors, rows_of
from benchmarks.region_qa.study import AnswerStudy, Endpoint, TaskResult
from benchmarks.report.page import Section
from benchmarks.report.plots import (
    category_bars,
    contrast_panels,
    difference_forest,
    duration_curves,
    probe_bars,
    probe_curves,
)
from benchmarks.report.table import Table


def all_sections(study: AnswerStudy) -> list[Section]:
    """Make every section that has a table."""
    plain = [task for task in study.tasks if task.pace == 1.0]
    sections = [
        headline(study),
        *(scores(study, task) for task in plain),
        *(by_duration(task) for task in plain),
        scaling(study),
        factorials(study),
        recovered(study),
        probes(study),
        errors(study.tasks[0]),
        prompts(study.tasks[0]),
        seeds(study.tasks[0]),
    ]
    shown = [section for section in sections if section.tables]
    if study.counterfactuals is not None:
        shown.append(counterfactual_section(study.counterfactuals))
    return shown


def headline(study: AnswerStudy) -> Section:
    """List the primary endpoints."""
    results = primary_results(study)
    rows = [
        [" - ".join(e.contrast), e.category, e.task, cell(estimate, signed=True), f"{estimate.p_value:.4f}"]
        for e, estimate, _ in results
    ]
    bold = {(i, 3) for i, (_, _, clear) in enumerate(results) if clear}
    table = [Table(["contrast", "category", "task", "difference [95 %]", "p"], rows, bold)] if rows else []
    return Section("Primary endpoints", "Named in the configuration of the study before it ran.", table)


def primary_results(study: AnswerStudy) -> list[tuple[Endpoint, Estimate, bool]]:
    """List the primary endpoints whose arms and category have answers: difference, and whether it is clear."""
    results = []
    for endpoint in study.primary:
        contrasts = study.contrasts_in(next(task for task in study.tasks if task.name == endpoint.task))
        row = next((row for row in study.rows[endpoint.task] if row.category == endpoint.category), None)
        if row is None or endpoint.contrast not in contrasts:
            continue
        k = contrasts.index(endpoint.contrast)
        if (difference := row.differences[k]) is not None:
            results.append((endpoint, difference, k in row.clear))
    return results


def finding(study: AnswerStudy) -> str:
    """Answer the question of a study in a sentence, from its primary endpoints."""
    parts = []
    for endpoint, estimate, clear in primary_results(study):
        first, second = endpoint.contrast
        order = "scores higher than" if estimate.mean > 0 else "scores lower than"
        verdict = order if clear else "does not differ clearly from"
        parts.append(f"{first} {verdict} {second} in {endpoint.category} ({cell(estimate, signed=True)})")
    return "; ".join(parts) + ("." if parts else "")


def scores(study: AnswerStudy, task: TaskResult) -> Section:
    """Show accuracies and differences of one task."""
    rows, contrasts, arms = study.rows[task.name], study.contrasts_in(task), arms_of(task.records)
    figures = [accuracy_bars(study, task)]
    if contrasts:
        columns = zip(*(row.differences for row in rows), strict=True)
        categories = [row.category for row in rows]
        figures.append(difference_forest(categories, dict(zip(names_of(contrasts), columns, strict=True))))
    return Section(f"Accuracy: {task.name}", task.about, score_tables(rows, arms, contrasts), figures)


def accuracy_bars(study: AnswerStudy, task: TaskResult) -> str:
    """Draw the accuracy of every arm in one task."""
    rows = study.rows[task.name]
    return category_bars(
        [row.category for row in rows],
        {arm: [row.scores[k] for row in rows] for k, arm in enumerate(arms_of(task.records))},
        [row.constant for row in rows],
        [row.no_time for row in rows],
    )


def score_tables(rows: Sequence[Row], arms: Sequence[str], contrasts: Sequence[Contrast]) -> list[Table]:
    """Lay out scores, differences (bold where clear), and the scores again with their intervals."""
    timed = any(row.no_time is not None for row in rows)
    lines = []
    for row in rows:
        left = [row.category, PUBLISHED_EQUIVALENT.get(row.category, ""), str(row.items), number_cell(row.constant)]
        left += [number_cell(row.no_time)] if timed else []
        lines.append([*left, *(point(score) for score in row.scores)])
    head = ["category", "published as", "items", "constant", *(["no time"] if timed else []), *arms]
    tables = [Table(head, lines)]
    if contrasts:
        differences = [[row.category, *(cell(d, signed=True) for d in row.differences)] for row in rows]
        bold = {(i, 1 + k) for i, row in enumerate(rows) for k in row.clear}
        tables.append(Table(["category", *(f"{name} [95 %]" for name in names_of(contrasts))], differences, bold))
    whole = [[row.category, *(cell(score) for score in row.scores)] for row in rows]
    return [*tables, Table(["category", *arms], whole, details="with 95 % intervals")]


def names_of(contrasts: Sequence[Contrast]) -> list[str]:
    """Name differences."""
    return [f"{first} - {second}" for first, second in contrasts]


def by_duration(task: TaskResult) -> Section:
    """Show accuracies by the duration of a clip, where a test set has clips of many durations."""
    title = f"Accuracy by duration: {task.name}"
    bins, arms = duration_bins(task.records), arms_of(task.records)
    if not bins:
        return Section(title, "")
    rows = [
        [b.category, f"{b.low:.2g} to {b.high:.2g} s", str(b.items), *(cell(b.scores.get(arm)) for arm in arms)]
        for b in bins
    ]
    about = "The time from the first frame of a clip to the last, about an octave a row."
    table = Table(["category", "duration", "items", *arms], rows, label=2)
    return Section(title, about, [table], [duration_figure(bins, arms)])


def duration_figure(bins: Sequence[DurationBin], arms: Sequence[str]) -> str:
    """Draw accuracies by the duration of a clip, one panel a category."""
    panels = {
        category: {arm: [(b.low, b.high, b.scores[arm]) for b in of_category if arm in b.scores] for arm in arms}
        for category in CATEGORIES
        if (of_category := [b for b in bins if b.category == category])
    }
    return duration_curves(panels)


def headline_figure(study: AnswerStudy) -> str:
    """Draw the first task: the pictured differences, or the accuracy of every arm by duration, or by category."""
    task = study.tasks[0]
    if study.pictured and study.contrasts_in(task):
        return contrast_panels(pictured_differences(study, task))
    bins = duration_bins(task.records)
    return duration_figure(bins, arms_of(task.records)) if bins else accuracy_bars(study, task)


def pictured_differences(study: AnswerStudy, task: TaskResult) -> dict[str, dict[str, Estimate]]:
    """List the differences of the pictured categories, by category and contrast.

    Raises:
        ValueError: a pictured category has no questions.
    """
    rows = {row.category: row for row in study.rows[task.name]}
    if strange := [name for name in study.pictured if name not in rows]:
        known = ", ".join(rows)
        raise ValueError(f"{', '.join(strange)} cannot be pictured: the categories of {task.name} are {known}")
    names = names_of(study.contrasts_in(task))
    return {
        category: {name: d for name, d in zip(names, rows[category].differences, strict=True) if d is not None}
        for category in study.pictured
    }


def scaling(study: AnswerStudy) -> Section:
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
        "The same clips with all timestamps multiplied; answers are compared item by item (geometric mean of the "
        "ratio). A model that reads time answers twice the speed where seconds are halved, and the same displacement. "
        "The length of a scaled clip is seen where it lies in the range of the true clips.",
        [Table(head, lines, label=2)] if lines else [],
    )


def factorials(study: AnswerStudy) -> Section:
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
                lines.append([name, *(cell(e, signed=True) for e in three)])
        tables.append(Table([f"{one} x {other}", one, other, "interaction"], lines))
    return Section(
        "Factorial",
        "Mean effect of each factor over both levels of the other, and the interaction (how much more one brings where "
        "the other is there), paired by item, 95 %.",
        tables,
    )


def recovered(study: AnswerStudy) -> Section:
    """Show gains as shares of other gains."""
    records = study.tasks[0].records
    arms = set(arms_of(records))
    pairs = [(gain, whole) for gain, whole in study.recovered if {*gain, *whole} <= arms]
    lines = []
    for name in rows_of(records) if pairs else ():
        cells = [cell(recovered_share(records, gain, whole, name)) for gain, whole in pairs]
        if any(cells):
            lines.append([name, *cells])
    head = ["category", *(f"({' - '.join(gain)}) / ({' - '.join(whole)})" for gain, whole in pairs)]
    return Section(
        "Recovered gains",
        "A gain as a share of another, paired by item, 95 %: 0 recovers nothing, 1 all. Categories where the other is "
        "not clearly above zero are left out.",
        [Table(head, lines)] if lines else [],
    )


def probes(study: AnswerStudy) -> Section:
    """Show linear probes of the frozen states of every arm."""
    if not study.probes:
        return Section("Linear probes", "")
    signals = list(next(iter(study.probes.values()))[0].error)
    estimates = {arm: [r2_estimate(scores, signal) for signal in signals] for arm, scores in study.probes.items()}
    rows = [[arm, *map(cell, row)] for arm, row in estimates.items()]
    tables, bold = [Table(["R2", *signals], rows)], set()
    lines: list[list[str]] = []
    for a, b in study.contrasts:
        if {a, b} <= set(study.probes):
            differences = [r2_difference(study.probes[a], study.probes[b], signal) for signal in signals]
            bold |= {(len(lines), j + 1) for j, e in enumerate(differences) if e is not None and e.excludes_zero}
            lines.append([f"{a} - {b}", *(cell(e, signed=True) for e in differences)])
    if lines:
        tables.append(Table(["difference of R2", *signals], lines, bold))
    layers = {arm: layer_means(scores) for arm, scores in study.probes.items()}
    depth = max(len(layer) for of_signal in layers.values() for layer in of_signal.values())
    by_layer = [
        [signal, arm, *(f"{r2:.3f}" for r2 in of_signal[signal]), *[""] * (depth - len(of_signal[signal]))]
        for signal in signals
        for arm, of_signal in layers.items()
    ]
    head = ["signal", "arm", *(f"layer {k}" for k in range(depth))]
    tables.append(Table(head, by_layer, label=2, details="by layer (0: embeddings), the mean over seeds"))
    return Section(
        "Linear probes",
        "Ridge regression from the frozen hidden states of the last layer at the visual tokens to the mean true signal "
        "of each token's cell, fitted afterwards on scenes that no arm was trained on; share of variance explained on "
        "other scenes. Intervals over clips (and seeds); bold differences exclude 0, uncorrected.",
        tables,
        [probe_bars(signals, estimates), probe_curves(signals, layers)],
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
    return Section("Numeric answers", f"Of {task.name}.", [Table(head, rows, label=2)] if rows else [])


def prompts(task: TaskResult) -> Section:
    """Show how regions were pointed at, and what of the questions a model cannot read."""
    rows = []
    for arm in arms_of(task.records):
        records = [r for r in task.records if r.arm == arm and UNKNOWN_WORDS in r.facts]
        if records:
            counts = [int(r.facts[UNKNOWN_WORDS] or 0) for r in records]
            share, mean = sum(count > 0 for count in counts) / len(counts), sum(counts) / len(counts)
            unparsed = sum(r.parsed is None for r in records) / len(records)
            rows.append([arm, str(records[0].facts[POINTING]), f"{share:.1%}", f"{mean:.1f}", f"{unparsed:.1%}"])
    return Section(
        "Prompts",
        "Words that the vocabulary of a model lacks are all one token to it, whatever they say: a question that holds "
        "some is not the question that was meant. Large models have no such words.",
        [Table(["arm", "pointing", "questions with unknown words", "unknown words", "unparsed"], rows)] if rows else [],
    )


def seeds(task: TaskResult) -> Section:
    """List the training seeds of every arm."""
    of_arm = {arm: sorted({r.seed for r in task.records if r.arm == arm}) for arm in arms_of(task.records)}
    rows = [[arm, ", ".join(map(str, numbers))] for arm, numbers in of_arm.items()]
    return Section(
        "Training seeds", "", [Table(["arm", "seeds"], rows)] if len(set(map(tuple, of_arm.values()))) > 1 else []
    )
