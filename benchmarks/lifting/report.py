"""The report of a lifting study."""

from __future__ import annotations

from benchmarks.comparison.cell import cell
from benchmarks.comparison.holm import clear_differences
from benchmarks.lifting.scores import METRICS
from benchmarks.lifting.sections import lift_sections, words
from benchmarks.lifting.study import LiftStudy
from benchmarks.report.page import Page
from benchmarks.report.plots import method_bars

METHOD = (
    "Intervals: 95 %, percentile bootstrap over objects, paired for differences; they cover new objects, not "
    "retraining. True surfaces are the zero level of the solid's signed distance on a 96^3 grid: the outer "
    "surface. F1 and Chamfer take 4,000 points a surface against triangles; Chamfer is the mean of both "
    "directions, squared the sum of both mean squares; vIoU takes 64 voxels along [-1, 1], solid or touched by a "
    "triangle; EMD 256 points, exact assignment, its floor stated. 3D IoU: oriented boxes, exact; aligned: along "
    "the camera's axes, as published. ADD-S by the true diameter. Definitions: benchmarks/lifting/scores.py."
)
SHAPE, POSE = METRICS["chamfer"], METRICS["add_s"]  # errors of the finding and of the figure


def report_page(study: LiftStudy) -> Page:
    """Lay out a study."""
    return Page(
        title=study.title,
        summary=study.summary,
        method=METHOD,
        sections=lift_sections(study),
        manifest=study.manifest,
        missing=study.missing,
        question=study.question,
        finding=finding(study),
        legend={name: study.legend[name] for name in study.methods if name in study.legend},
        figure=figure(study),
    )


def finding(study: LiftStudy) -> str:
    """Answer the question of a study in a sentence: the main arm against its best baseline, or the named effects."""
    test = study.tests[0]
    pairs = list(study.effects.values())
    means = {b: e.mean for b in study.baselines if (e := study.estimate(test, b, SHAPE.key)) is not None}
    if study.main in study.methods and means:
        pairs = [(study.main, min(means, key=lambda baseline: means[baseline]))]
    table = {
        (pair, metric.key): estimate
        for pair in pairs
        for metric in (SHAPE, POSE)
        if (estimate := study.difference(test, *pair, metric.key)) is not None
    }
    clear = clear_differences(table)
    parts = []
    for pair in pairs:
        changes = [
            f"{metric.name} {cell(table[pair, metric.key], metric.digits, signed=True)}"
            + ("" if (pair, metric.key) in clear else ", not clear")
            for metric in (SHAPE, POSE)
            if (pair, metric.key) in table
        ]
        parts += [f"{pair[0]} against {pair[1]}: {'; '.join(changes)}"] if changes else []
    return f"Errors on {words(test)}: " + ". ".join(parts) + "." if parts else ""


def figure(study: LiftStudy) -> str:
    """Draw the errors of every method in shape and pose, on the first evaluation set."""
    test = study.tests[0]
    return method_bars(
        {
            metric.heading: {m: e for m in study.methods if (e := study.estimate(test, m, metric.key)) is not None}
            for metric in (SHAPE, POSE)
        }
    )
