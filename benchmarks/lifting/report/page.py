"""The page of a lifting study's report."""

from __future__ import annotations

from benchmarks.comparison.cell import cell
from benchmarks.comparison.metric import Metric
from benchmarks.lifting.report.sections import lift_sections
from benchmarks.lifting.scores import METRICS
from benchmarks.lifting.study import LiftStudy, words
from benchmarks.report.page import Page
from benchmarks.report.plots import method_bars
from benchmarks.report.table import clear_cells

METHOD = (
    "Intervals: 95 %, percentile bootstrap over objects, paired for differences; they cover new objects, not "
    "retraining. True surfaces are the zero level of the solid's signed distance on a 96^3 grid: the outer "
    "surface; of photographed objects, the mesh as given. F1 and Chamfer take 4,000 points a surface against "
    "triangles; Chamfer is the mean of both directions, squared the sum of both mean squares; vIoU takes 64 voxels "
    "along [-1, 1], solid or touched by a triangle; EMD 256 points (after ICP 1,024), exact assignment, its floor "
    "stated. 3D IoU: oriented boxes, exact; aligned: along the camera's axes, as published; true axes: both along "
    "the true object's. ADD-S by the true diameter. Definitions: benchmarks/lifting/scores.py."
)
SHAPE = METRICS["chamfer"]
METRICS_SHOWN = (SHAPE, METRICS["add_s"])  # errors of shape and pose, for the finding and the figure
OTHERWISE = (METRICS["icp_f1_0.01"], METRICS["icp_chamfer"], METRICS["box_iou_true_axes"])  # where neither is known


def report_page(study: LiftStudy) -> Page:
    """Lay out a study."""
    return Page(study, finding(study), METHOD, lift_sections(study), figure(study))


def shown(study: LiftStudy) -> list[Metric]:
    """List the metrics of the finding and the figure: errors of shape and pose, or others where neither is known."""
    test = study.tests[0]
    return study.measures(test, METRICS_SHOWN) or study.measures(test, OTHERWISE)


def finding(study: LiftStudy) -> str:
    """Answer the question of a study in a sentence: the main arm against its best baseline, or the named effects."""
    test = study.tests[0]
    pairs = list(study.effects.values())
    metrics = shown(study)
    means = {b: e.mean for b in study.baselines if (e := study.estimate(test, b, SHAPE.key)) is not None}
    if study.main in study.methods and means:
        pairs = [(study.main, min(means, key=lambda baseline: means[baseline]))]
    differences = [[study.difference(test, *pair, metric.key) for metric in metrics] for pair in pairs]
    clear = clear_cells(differences, left=0)
    parts = []
    for i, ((first, second), row) in enumerate(zip(pairs, differences, strict=True)):
        changes = [
            f"{metric.name} {cell(each, metric.digits, signed=True)}" + ("" if (i, j) in clear else ", not clear")
            for j, (metric, each) in enumerate(zip(metrics, row, strict=True))
            if each is not None
        ]
        parts += [f"{first} against {second}: {'; '.join(changes)}"] if changes else []
    what = "Errors" if metrics == list(METRICS_SHOWN) else "Differences"
    return f"{what} on {words(test)}: " + ". ".join(parts) + "." if parts else ""


def figure(study: LiftStudy) -> str:
    """Draw the errors of every method in shape and pose, on the first evaluation set."""
    test = study.tests[0]
    return method_bars(
        {
            metric.heading: {m: e for m in study.methods if (e := study.estimate(test, m, metric.key)) is not None}
            for metric in shown(study)
        }
    )
