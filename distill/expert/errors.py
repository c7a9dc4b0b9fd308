"""Errors of the 4D expert and of a trivial predictor on test worlds, and their ratio."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import torch
from einops import rearrange
from torch import Tensor

from benchmarks.comparison.bootstrap import Estimate, bootstrap_ratio
from benchmarks.metrics.dense import abs_rel, end_point_error, mask_iou, ray_angle_deg
from distill.expert.data import Batch

WorldErrors = Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]
"""By predictor ("expert", "trivial") and metric: the error of every test world and its number of valid values."""


def mean_errors(errors: WorldErrors) -> dict[str, dict[str, float]]:
    """Average the errors of all test worlds, weighted by valid values; metrics without any are left out."""
    return {
        predictor: {name: weighted_mean(parts) for name, parts in metrics.items() if any(weight for _, weight in parts)}
        for predictor, metrics in errors.items()
    }


def times_better(errors: WorldErrors) -> dict[str, Estimate]:
    """Estimate by what factor the expert is better than the trivial predictor, by a bootstrap over the test worlds.

    Metrics whose denominator is zero are left out.
    """
    ratios = {}
    for name in mean_errors(errors)["expert"]:
        expert, trivial = errors["expert"][name], errors["trivial"][name]
        numerator, denominator = (expert, trivial) if name == "motion_iou" else (trivial, expert)
        if weighted_mean(denominator) > 0:
            ratios[name] = bootstrap_ratio(numerator, denominator, generator=torch.Generator().manual_seed(0))
    return ratios


def error_table(errors: WorldErrors, ratios: Mapping[str, Estimate]) -> list[str]:
    """Format the errors as lines of a Markdown table."""
    lines = ["| test error | expert | trivial predictor | times better [95 %] |", "| --- | --- | --- | --- |"]
    means = mean_errors(errors)
    for name, error in means.get("expert", {}).items():
        ratio = ratios.get(name)
        times = f"{ratio.mean:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]" if ratio else ""
        lines.append(f"| {name} | {error:.3f} | {means['trivial'][name]:.3f} | {times} |")
    return lines


def mean_signals(batches: Iterable[Batch]) -> dict[str, Tensor]:
    """Average log depth (where valid) and rays over all clips and frames, for every pixel."""
    sums: dict[str, Tensor] = {}
    for batch in batches:
        valid = batch["valid"]["depth"]
        for name, part in (
            ("depth", torch.where(valid, batch["values"]["depth"], 0.0)),
            ("valid", valid.float()),
            ("rays", batch["values"]["rays"]),
            ("frames", torch.ones_like(batch["values"]["rays"])),
        ):
            sums[name] = sums.get(name, 0) + part.sum((0, 1))
    return {"depth": sums["depth"] / sums["valid"].clamp_min(1), "rays": sums["rays"] / sums["frames"]}


def weighted_mean(parts: Sequence[tuple[float, float]]) -> float:
    """Average values by their weights; NaN where all weights are zero."""
    total = sum(weight for _, weight in parts)
    return sum(value * weight for value, weight in parts if weight) / total if total else math.nan


def signal_errors(
    predicted: Mapping[str, Tensor], values: Mapping[str, Tensor], valid: Mapping[str, Tensor]
) -> dict[str, tuple[float, float]]:
    """Measure AbsRel, end-point error (pixels), IoU of motion and ray angle (degrees), each with its number of values.

    AbsRel is also measured after alignment by one scale per clip, the median ratio, because a clip may not reveal the
    size of its world.
    """
    flow, moving = valid["flow"][:, :, 0], values["motion"] > 0
    union = ((predicted["motion"] > 0) | moving) & valid["motion"]
    has_depth, depth, true = valid["depth"], predicted["depth"], values["depth"]
    ratio = torch.where(has_depth, true - depth, torch.nan).flatten(1).nanmedian(1).values
    aligned = depth + rearrange(ratio, "b -> b 1 1 1 1")
    metrics = {
        "depth_abs_rel": (abs_rel(depth.exp(), true.exp(), has_depth), has_depth),
        "depth_abs_rel_one_scale_a_clip": (abs_rel(aligned.exp(), true.exp(), has_depth), has_depth),
        "flow_epe_px": (end_point_error(predicted["flow"], values["flow"], flow), flow),
        "motion_iou": (mask_iou(predicted["motion"] > 0, moving, valid["motion"]), union),
        "ray_angle_deg": (ray_angle_deg(predicted["rays"], values["rays"], valid["rays"][:, :, 0]), valid["rays"]),
    }
    return {name: (float(error), float(counted.sum())) for name, (error, counted) in metrics.items()}
