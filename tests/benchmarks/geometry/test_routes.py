from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.geometry.report import interval, plain, poses_report
from benchmarks.geometry.routes import PoseRecord, measure, measure_world, relative_depth_error
from models.geometry import default_intrinsics, unproject
from models.providers import GeometryEstimate
from scenes.worlds import WorldConfig, make_world, render


@pytest.mark.long
def test_odometry_finds_the_camera_of_a_world_and_a_clip_without_truth_is_refused() -> None:
    (record,) = measure_world(3, False, ["odometry"])
    assert (record.route, record.kind, record.refusal, record.depth_error) == ("odometry", "static", None, None)
    assert record.rotation_deg is not None
    assert record.rotation_deg < 1
    (clip,) = render([make_world(0, WorldConfig(frames=2))], "cpu", ())
    with pytest.raises(ValueError, match="has no poses or no depth"):
        measure(replace(clip, world_T_cam=None), "static", "odometry")


def test_a_refusal_is_a_record_with_its_words() -> None:
    pytest.importorskip("pycolmap", reason="--geometry colmap needs pycolmap")
    (clip,) = render([make_world(0, WorldConfig(frames=2, height=32, width=32))], "cpu", ())
    record = measure(clip, "static", "colmap")
    assert record.rotation_deg is None
    assert plain(str(record.refusal)) == "COLMAP does not register frames [...]"


def test_a_scale_is_no_error_of_depth() -> None:
    camera = default_intrinsics(4, 6)[None]
    true = torch.linspace(1, 2, 24).view(1, 4, 6)
    estimate = GeometryEstimate(unproject(3 * true, camera), camera, metric=False)
    assert relative_depth_error(estimate, true) < 1e-5
    true[:, :3] *= torch.linspace(1, 2, 6)
    assert relative_depth_error(estimate, true) > 0.1


def test_the_report_counts_clips_that_were_refused_and_that_are_wrong() -> None:
    records = [PoseRecord("odometry", f"w{i}", "static", 1.0, rotation, 0.001) for i, rotation in enumerate((0.1, 5.0))]
    records += [PoseRecord("odometry", "w2", "static", 1.0, refusal="odometry cannot register frames [1] of 8: x")]
    report = poses_report(records)
    assert "| static: odometry | 3 | 0.67 [" in report
    assert "| static: odometry | 1 | odometry cannot register frames [...] |" in report
    assert "| 0.50 [0.00, 1.00] |" in report  # wrong, of the two that were registered


def test_an_interval_holds_its_value() -> None:
    assert interval([], np.median, ".1f") == ""
    assert interval([2.0], np.median, ".1f") == "2.0"
    assert interval([1.0, 2.0, 3.0], np.median, ".1f") == "2.0 [1.0, 3.0]"
