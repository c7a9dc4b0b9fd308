"""The report of a probe study."""

from __future__ import annotations

from benchmarks.comparison.cell import cell
from benchmarks.probing.sections import BY_KEY, HEADLINE, clear_contrasts, named_contrasts, probe_sections
from benchmarks.probing.study import ProbeStudy
from benchmarks.report.page import Page

METHOD = (
    "Intervals: 95 %, percentile bootstrap over test clips (and over seeds of the probe where there are several), "
    "paired for differences. All models see the same clips and views. Published metrics are those of the code of arXiv "
    "2512.19949: 31 bins of 30/31 degrees, relative poses of world-to-camera matrices."
)
FIGURES = ("Layer and noise", "Models", "Capacity of the probe")  # the first with a figure stands beside the report


def report_page(study: ProbeStudy) -> Page:
    """Lay out a study."""
    sections = {section.title: section for section in probe_sections(study)}
    figures = [sections[title].figures[0] for title in FIGURES if title in sections and sections[title].figures]
    return Page(
        title=study.title,
        summary=study.summary,
        method=METHOD,
        sections=list(sections.values()),
        manifest=study.manifest,
        missing=study.missing,
        question=study.question,
        finding=finding(study),
        legend=study.legend,
        figure=figures[0] if figures else "",
    )


def finding(study: ProbeStudy) -> str:
    """Answer the question of a study in a sentence, from the first headline metric of its contrasts."""
    key = HEADLINE[0]
    cells, clear = clear_contrasts(study)
    parts = []
    for pair in named_contrasts(study):
        if (estimate := cells.get((pair, key))) is not None:
            lower = "a lower" if estimate.mean < 0 else "a higher"
            verdict = f"has {lower} {BY_KEY[key].name} than" if (pair, key) in clear else "does not differ clearly from"
            parts.append(f"{pair[0]} {verdict} {pair[1]} ({cell(estimate, signed=True)})")
    return "; ".join(parts) + ("." if parts else "")
