import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from benchmarks.metrics import aligned_point_error, depth_error


def cloud(seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(2, 6, 7, 3)))


def test_a_similarity_apart_two_clouds_agree() -> None:
    true = cloud()
    turn = torch.from_numpy(Rotation.random(random_state=0).as_matrix())
    pred = 3 * true @ turn.T + torch.tensor([1.0, 2.0, 3.0])
    mask = torch.ones(true.shape[:-1], dtype=torch.bool)
    assert float(aligned_point_error(pred, true, torch.rand(mask.shape).double(), mask)) < 1e-9


def test_the_error_is_the_confident_mean_of_what_the_alignment_of_the_top_quarter_leaves() -> None:
    true, pred = cloud(0), cloud(0) + 0.1 * cloud(1)
    rng = np.random.default_rng(2)
    confidence = torch.from_numpy(rng.uniform(1, 3, size=true.shape[:-1]))
    mask = torch.from_numpy(rng.random(true.shape[:-1]) < 0.8)
    found = float(aligned_point_error(pred, true, confidence, mask))
    p, q, c, m = (x.numpy().reshape(-1, *x.shape[3:]) for x in (pred, true, confidence, mask))
    top = m & (c >= np.quantile(c, 0.75))
    a, b = p[top] - p[top].mean(0), q[top] - q[top].mean(0)
    turn, _ = Rotation.align_vectors(b, a)  # q = turn p, unit weights
    turned = turn.apply(a)
    scale = (turned * b).sum() / (a * a).sum()
    moved = scale * turn.apply(p - p[top].mean(0)) + q[top].mean(0)
    distance = np.linalg.norm(moved - q, axis=1)
    assert found == pytest.approx((c * m * distance).sum() / ((c * m).sum() + 1e-6), abs=1e-5)


def test_depth_errors_are_weighted_capped_and_not_aligned() -> None:
    pred, true = torch.tensor([1.0, 5.0, 500.0, torch.nan]), torch.tensor([2.0, 5.0, 0.0, 1.0])
    confidence = torch.tensor([3.0, 1.0, 2.0, 1.0])
    every = torch.ones(4, dtype=torch.bool)
    assert float(depth_error(pred, true, confidence, every)) == pytest.approx((3 + 0 + 100 + 0) / 4)
    assert float(depth_error(pred, true, confidence, torch.tensor([True, True, False, False]))) == 1.5
