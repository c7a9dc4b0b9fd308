"""The report of a probe study."""

from __future__ import annotations

from benchmarks.comparison.cell import cell
from benchmarks.probing.sections import HEADLINE, contrast_differences, named_contrasts, probe_sections
from benchmarks.probing.study import ProbeStudy
from benchmarks.report.page import Page
from benchmarks.report.table import clear_cells

METHOD = (
    "Intervals: 95 %, percentile bootstrap over test clips (and over seeds of the probe where there are several), "
    "paired for differences. All models see the same clips and views. Published metrics are those of the code of arXiv "
    "2512.19949: 31 bins of 30/31 degrees, relative poses of world-to-camera matrices."
)
FIGURES = ("Layer and noise", "Models", "Capacity of the probe")  # the first that has one is committed with the report


def report_page(study: ProbeStudy) -> Page:
    """Lay out a study."""
    sections = {section.title: section for section in probe_sections(study)}
    figures = [figure for title in FIGURES if title in sections for figure in sections[title].figures[:1]]
    return Page(study, finding(study), METHOD, list(sections.values()), figures[0] if figures else "")


def finding(study: ProbeStudy) -> str:
    """Answer the question of a study in a sentence, from the first headline metric of its contrasts."""
    pairs = named_contrasts(study)
    differences = contrast_differences(study)
    clear = clear_cells(differences, left=0)
    parts = []
    for i, ((first, second), (estimate, *_)) in enumerate(zip(pairs, differences, strict=True)):
        if estimate is None:
            continue
        order = "a lower" if estimate.mean < 0 else "a higher"
        verdict = f"has {order} {HEADLINE[0].name} than" if (i, 0) in clear else "does not differ clearly from"
        parts.append(f"{first} {verdict} {second} ({cell(estimate, signed=True)})")
    return "; ".join(parts) + ("." if parts else "")
