"""The sections of a probe study's report: tables and figures."""

from __future__ import annotations

from benchmarks.probing.plots import heat_maps, ladder_lines, radar
from benchmarks.probing.study import HEADLINE, METRICS, Metric, Place, ProbeStudy
from benchmarks.report.page import Section, Table
from benchmarks.statistics import Estimate, holm

LEVEL = 0.05
BY_KEY = {metric.key: metric for metric in METRICS}


def probe_sections(study: ProbeStudy) -> list[Section]:
    """Make every section that the study has something to say in."""
    found = [models(study), contrasts(study), controls(study), grid(study), ladder(study)]
    return [section for section in found if section.tables]


def models(study: ProbeStudy) -> Section:
    """Score every model at the cell that validation clips chose."""
    head = ["model", "layer", "sigma", *(heading(metric) for metric in METRICS)]
    rows = [
        [model, where(study, place), level(place), *(text(study.estimate(place, m.key)) for m in METRICS)]
        for model, place in study.chosen.items()
    ]
    said = (
        "Test clips; layer and noise level of each model were chosen on validation clips. Point error after a "
        "similarity that aligns each clip; depth error not aligned; lengths in mean distances of the first view."
    )
    means = {
        model: {m: found.mean for m in METRICS[:7] if (found := study.estimate(place, m.key)) is not None}
        for model, place in study.chosen.items()
    }
    shared = [m for m in METRICS[:7] if all(m in found for found in means.values())]
    drawn = len(means) > 1 and len(shared) > 2  # fewer corners are no polygon
    figures = [radar(shared, {model: [found[m] for m in shared] for model, found in means.items()})] if drawn else []
    return Section("Models", said, [Table(head, rows)], figures)


def contrasts(study: ProbeStudy) -> Section:
    """Compare models with each other: points, depth, poses."""
    named = [pair for pair in study.contrasts if set(pair) <= set(study.chosen)]
    cells = {
        (pair, key): found
        for pair in named
        for key in HEADLINE
        if (found := study.difference(study.chosen[pair[0]], study.chosen[pair[1]], key)) is not None
    }
    clear = clear_cells({f"{pair}{key}": found for (pair, key), found in cells.items()})
    rows: list[list[str]] = []
    for pair in named:
        rows.append([f"{pair[0]} - {pair[1]}"])
        for key in HEADLINE:
            found, base = cells.get((pair, key)), study.estimate(study.chosen[pair[1]], key)
            share = f" ({found.mean / base.mean:+.0%})" if found and base and base.mean else ""
            rows[-1].append(text(found, signed=True) + share)
    bold = {(i, j + 1) for i, pair in enumerate(named) for j, key in enumerate(HEADLINE) if clear.get(f"{pair}{key}")}
    said = (
        "Paired by test clip; in brackets, as a share of the second model's error or score. Bold: Holm over the table."
    )
    head = ["contrast", *(heading(BY_KEY[key]) for key in HEADLINE)]
    return Section("Differences between models", said, [Table(head, rows, frozenset(bold))] if rows else [])


def controls(study: ProbeStudy) -> Section:
    """Say what each control changes, and what it leaves of the lead over the model that it is compared with."""
    partner = dict(reversed([pair for pair in study.contrasts if set(pair) <= set(study.chosen)]))
    rows: list[list[str]] = []
    bold: set[tuple[int, int]] = set()
    for control in study.controls:
        for model, plain in study.chosen.items():
            place = study.of_control(model, control)
            if place is None:
                continue
            changes = [study.difference(place, plain, key) for key in HEADLINE]
            leads: list[Estimate | None] = [None] * len(HEADLINE)
            if (other := study.chosen.get(partner.get(model, ""))) is not None:
                other = study.of_control(other.model, control) or other  # like with like, where both have it
                leads = [study.difference(place, other, key) for key in HEADLINE]
            clear = [j for j, lead in enumerate(leads) if lead is not None and lead.excludes_zero]
            bold |= {(len(rows), 1 + len(HEADLINE) + j) for j in clear}
            rows.append([f"{model}, {control}", *(text(found, signed=True) for found in [*changes, *leads])])
    names = [BY_KEY[key].name for key in HEADLINE]
    head = ["model, control", *(f"{n}: control - plain" for n in names), *(f"lead in {n}" for n in names)]
    said = (
        "Controls at the chosen cells. The lead is the difference from the model that this one is compared with above "
        "(under the same control, where it has it): what a control leaves of it. Empty where the clips are "
        "others, or no camera moves. Bold: the interval excludes 0, uncorrected."
    )
    return Section("What takes the gap away", said, [Table(head, rows, frozenset(bold))] if rows else [])


def grid(study: ProbeStudy) -> Section:
    """List every cell of the grid by its validation error, and draw it by layer and noise."""
    places = [place for place in study.by_place if place.control is None]
    rows = [[p.model, where(study, p), level(p), *(mean(study.validation(p, key)) for key in HEADLINE)] for p in places]
    bold = frozenset((i, 3) for i, p in enumerate(places) if study.chosen.get(p.model) == p)
    maps = {
        model: {
            (p.layer, p.sigma): error
            for p in places
            if p.model == model and (error := study.validation(p, "point_error")) is not None
        }
        for model in dict.fromkeys(p.model for p in places)
    }
    head = ["model", "layer", "sigma", *(heading(BY_KEY[key]) for key in HEADLINE)]
    said = "Means over validation clips, on which the cell in bold was chosen. Sigma: (1 - sigma) clean + sigma noise."
    drawn = {model: cells for model, cells in maps.items() if len(cells) > 1}
    return Section("Layer and noise", said, [Table(head, rows, bold)], [heat_maps(drawn)] if drawn else [])


def ladder(study: ProbeStudy) -> Section:
    """Compare probes of different capacity on the same features."""
    steps = [*study.ladder, None]
    rows, lines = [], {}
    for model, plain in study.chosen.items():
        places = [plain if step is None else study.of_control(model, step) for step in steps]
        known = [(step or "the study's", place) for step, place in zip(steps, places, strict=True) if place is not None]
        if len(known) < 2:
            continue
        for name, place in known:
            rows.append([model, name, *(text(study.estimate(place, key)) for key in HEADLINE)])
        measured = [(name, study.estimate(place, "point_error")) for name, place in known]
        lines[model] = [(name, found) for name, found in measured if found is not None]
    head = ["model", "probe", *(heading(BY_KEY[key]) for key in HEADLINE)]
    said = "What the probe may do: read each token alone, each view alone, or attend among views."
    figures = [ladder_lines(lines)] if lines else []
    return Section("Capacity of the probe", said, [Table(head, rows)] if rows else [], figures)


def clear_cells(found: dict[str, Estimate]) -> dict[str, bool]:
    """Tell which differences stay clear after Holm's correction over all of them."""
    return {name: p < LEVEL for name, p in holm({name: e.p_value for name, e in found.items()}).items()}


def heading(metric: Metric) -> str:
    """Name a column, with the direction that is better."""
    return f"{metric.name} {'↑' if metric.more_is_better else '↓'}"


def where(study: ProbeStudy, place: Place) -> str:
    """Name a layer, counted from 1, of how many."""
    blocks = study.blocks.get(place.model)
    return f"{place.layer + 1}/{blocks}" if blocks else str(place.layer + 1)


def level(place: Place) -> str:
    """Write a noise level."""
    return "" if place.sigma is None else f"{place.sigma:g}"


def mean(value: float | None) -> str:
    """Write a mean without an interval; nothing where there is none."""
    return "" if value is None else f"{value:.3f}"


def text(found: Estimate | None, signed: bool = False) -> str:
    """Write a mean with its interval; nothing where there is none."""
    if found is None:
        return ""
    form = "{:+.3f} [{:+.3f}, {:+.3f}]" if signed else "{:.3f} [{:.3f}, {:.3f}]"
    return form.format(found.mean, found.low, found.high)
