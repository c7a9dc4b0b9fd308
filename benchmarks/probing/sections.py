"""The sections of a probe study's report: tables and figures."""

from __future__ import annotations

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.comparison.cell import cell
from benchmarks.probing.plots import capacity_lines, heat_maps, radar
from benchmarks.probing.sites import METRICS, ProbeSite
from benchmarks.probing.study import ProbeStudy
from benchmarks.report.page import Section
from benchmarks.report.table import Table, clear_cells, estimate_tables

HEADLINE = [metric for metric in METRICS if metric.key in ("point_error", "abs_rel", "auc30")]  # points, depth, pose
RADAR = METRICS[:7]
Pair = tuple[str, str]


def probe_sections(study: ProbeStudy) -> list[Section]:
    """Make every section that has a table."""
    sections = [models(study), published(study), contrasts(study), controls(study), grid(study), capacities(study)]
    return [section for section in sections if section.tables]


def models(study: ProbeStudy) -> Section:
    """Score every model at the cell that validation clips chose."""
    left = [[model, layer_text(study, site), sigma_text(site)] for model, site in study.chosen.items()]
    estimates = [[study.estimate(site, metric.key) for metric in METRICS] for site in study.chosen.values()]
    text = (
        "Test clips; layer and noise level of each model were chosen on validation clips. Point error after a "
        "similarity that aligns each clip; depth error not aligned; lengths in mean distances of the first view."
    )
    means = {
        model: {m: e.mean for m, e in zip(METRICS, row, strict=True) if m in RADAR and e is not None}
        for model, row in zip(study.chosen, estimates, strict=True)
    }
    shared = [m for m in RADAR if all(m in measured for measured in means.values())]
    drawn = len(means) > 1 and len(shared) > 2  # fewer corners do not make a polygon
    figures = [radar(shared, {model: [each[m] for m in shared] for model, each in means.items()})] if drawn else []
    return Section("Models", text, estimate_tables(["model", "layer", "sigma"], left, METRICS, estimates), figures)


def published(study: ProbeStudy) -> Section:
    """Put published values beside ours, and say what differs between the two studies."""
    keys = {key for values in study.published.values() for key in values}
    metrics = [metric for metric in METRICS if metric.key in keys]
    rows = []
    for model, site in study.chosen.items():
        for metric in metrics:
            if (value := study.published.get(model, {}).get(metric.key)) is None:
                continue
            ours = study.estimate(site, metric.key)
            within = "" if ours is None else "yes" if ours.low <= value <= ours.high else "no"
            rows.append([model, metric.heading, cell(ours), f"{value:g}", within])
    differences = "\n".join(f"- {words}" for words in study.differences)
    text = f"What differs between the two, beside chance:\n\n{differences}" if differences else ""
    head = ["model", "metric", "ours", "published", "within our interval"]
    return Section("Beside the published numbers", text, [Table(head, rows, label=2)] if rows else [])


def named_contrasts(study: ProbeStudy) -> list[Pair]:
    """List the contrasts whose two models have a chosen cell."""
    return [pair for pair in study.contrasts if set(pair) <= set(study.chosen)]


def contrast_differences(study: ProbeStudy) -> list[list[Estimate | None]]:
    """Estimate every named contrast in every headline metric."""
    chosen = study.chosen
    return [
        [study.difference(chosen[first], chosen[second], metric.key) for metric in HEADLINE]
        for first, second in named_contrasts(study)
    ]


def contrasts(study: ProbeStudy) -> Section:
    """Compare models with each other: points, depth, poses."""
    differences = contrast_differences(study)
    rows = []
    for (first, second), row in zip(named_contrasts(study), differences, strict=True):
        base = [study.estimate(study.chosen[second], metric.key) for metric in HEADLINE]
        cells = [cell(each, signed=True) + share_text(each, of) for each, of in zip(row, base, strict=True)]
        rows.append([f"{first} - {second}", *cells])
    text = (
        "Paired by test clip; in brackets, as a share of the second model's error or score. Bold: Holm over the table."
    )
    table = Table(["contrast", *headings()], rows, clear_cells(differences, left=1))
    return Section("Differences between models", text, [table] if rows else [])


def controls(study: ProbeStudy) -> Section:
    """Measure the change under each control, and the lead over the contrasted model that remains."""
    partner = dict(reversed(named_contrasts(study)))
    rows: list[list[str]] = []
    bold: set[tuple[int, int]] = set()
    for control in study.controls:
        for model, plain in study.chosen.items():
            site = study.of_control(model, control)
            if site is None:
                continue
            changes = [study.difference(site, plain, metric.key) for metric in HEADLINE]
            leads: list[Estimate | None] = [None] * len(HEADLINE)
            if (other := study.chosen.get(partner.get(model, ""))) is not None:
                other = study.of_control(other.model, control) or other  # like with like, where both have it
                leads = [study.difference(site, other, metric.key) for metric in HEADLINE]
            clear = [j for j, lead in enumerate(leads) if lead is not None and lead.excludes_zero]
            bold |= {(len(rows), 1 + len(HEADLINE) + j) for j in clear}
            rows.append([f"{model}, {control}", *(cell(each, signed=True) for each in [*changes, *leads])])
    names = [metric.name for metric in HEADLINE]
    head = ["model, control", *(f"{n}: control - plain" for n in names), *(f"lead in {n}" for n in names)]
    text = (
        "Controls at the chosen cells. The lead is the difference from the contrasted model that remains under the "
        "control (for both models, where both have it). Empty where the clips are others, or no camera moves. Bold: "
        "the interval excludes 0, uncorrected."
    )
    return Section("What takes the gap away", text, [Table(head, rows, bold)] if rows else [])


def grid(study: ProbeStudy) -> Section:
    """List every cell of the grid by its validation error, and draw it by layer and noise."""
    sites = [site for site in study.by_site if site.control is None]
    rows = [
        [s.model, layer_text(study, s), sigma_text(s), *(mean_text(study.validation(s, m.key)) for m in HEADLINE)]
        for s in sites
    ]
    bold = {(i, 3) for i, site in enumerate(sites) if study.chosen.get(site.model) == site}
    maps = {
        model: {
            (site.layer, site.sigma): error
            for site in sites
            if site.model == model and (error := study.validation(site, "point_error")) is not None
        }
        for model in dict.fromkeys(site.model for site in sites)
    }
    head = ["model", "layer", "sigma", *headings()]
    text = "Means over validation clips, on which the cell in bold was chosen. Sigma: (1 - sigma) clean + sigma noise."
    drawn = {model: cells for model, cells in maps.items() if len(cells) > 1}
    return Section("Layer and noise", text, [Table(head, rows, bold, label=3)], [heat_maps(drawn)] if drawn else [])


def capacities(study: ProbeStudy) -> Section:
    """Compare probes of different capacity on the same features."""
    steps = [*study.capacities, None]
    rows, lines = [], {}
    for model, plain in study.chosen.items():
        sites = [plain if step is None else study.of_control(model, step) for step in steps]
        measured = [(step or "the study's", site) for step, site in zip(steps, sites, strict=True) if site is not None]
        if len(measured) < 2:
            continue
        for name, site in measured:
            rows.append([model, name, *(cell(study.estimate(site, m.key)) for m in HEADLINE)])
        points = [(name, study.estimate(site, "point_error")) for name, site in measured]
        lines[model] = [(name, estimate) for name, estimate in points if estimate is not None]
    head = ["model", "probe", *headings()]
    text = "What the probe may do: read each token alone, each view alone, or attend among views."
    figures = [capacity_lines(lines)] if lines else []
    return Section("Capacity of the probe", text, [Table(head, rows, label=2)] if rows else [], figures)


def headings() -> list[str]:
    """Name the columns of the headline metrics."""
    return [metric.heading for metric in HEADLINE]


def share_text(difference: Estimate | None, base: Estimate | None) -> str:
    """Write a mean difference as a share of a mean, in brackets."""
    return f" ({difference.mean / base.mean:+.0%})" if difference and base and base.mean else ""


def layer_text(study: ProbeStudy, site: ProbeSite) -> str:
    """Write a layer, counted from 1, of how many."""
    blocks = study.blocks.get(site.model)
    return f"{site.layer + 1}/{blocks}" if blocks else str(site.layer + 1)


def sigma_text(site: ProbeSite) -> str:
    """Write a noise level; nothing for a model that takes none."""
    return "" if site.sigma is None else f"{site.sigma:g}"


def mean_text(value: float | None) -> str:
    """Write a mean without an interval; nothing where there is none."""
    return "" if value is None else f"{value:.3f}"
