from __future__ import annotations

import pytest
import torch

pytest.importorskip("viser", reason="the viewer needs viser")
from region4d.studies.probe.viewer import aligned, build_viewer, view_clouds


def test_points_that_differ_by_a_similarity_are_aligned() -> None:
    true = torch.randn(2, 3, 4, 3, generator=torch.Generator().manual_seed(0))
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    valid = torch.ones(2, 3, 4, dtype=torch.bool)
    valid[0, 0, 0] = False
    moved, target, error = aligned(2 * true @ turn.T + 3, true, valid)
    assert moved.shape == target.shape == (23, 3)
    torch.testing.assert_close(moved, target, atol=1e-5, rtol=1e-5)
    assert error.max() < 1e-5


def test_a_study_without_points_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="no finished probe of this study has kept points; run the study first"):
        view_clouds({}, port=0)


def test_a_viewer_listens_on_loopback_alone() -> None:
    points = torch.rand(1, 4, 4, 3, generator=torch.Generator().manual_seed(0))
    cloud = {"clip/pred": points, "clip/true": points, "clip/valid": torch.ones(1, 4, 4, dtype=torch.bool)}
    server = build_viewer({"model": cloud}, port=0)
    try:
        assert server.get_host() == "127.0.0.1"
    finally:
        server.stop()
