"""Pose metrics against an independent implementation (scipy, loops) and hand-made numbers."""

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from benchmarks.metrics import pose_auc, relative_pose_errors


def random_poses(seed: int, views: int = 4, batch: int = 3) -> Tensor:
    rng = np.random.default_rng(seed)
    poses = np.tile(np.eye(4), (batch, views, 1, 1))
    poses[..., :3, :3] = Rotation.random(batch * views, random_state=seed).as_matrix().reshape(batch, views, 3, 3)
    poses[..., :3, 3] = rng.normal(size=(batch, views, 3))
    return torch.from_numpy(poses)


def by_scipy(pred: np.ndarray, true: np.ndarray, convention: str) -> list[tuple[float, float]]:
    found = []
    for i, j in combinations(range(len(pred)), 2):
        inverse = np.linalg.inv
        a, b = (e[j] @ inverse(e[i]) if convention == "camera" else inverse(e[i]) @ e[j] for e in (pred, true))
        turn = (Rotation.from_matrix(a[:3, :3]).inv() * Rotation.from_matrix(b[:3, :3])).magnitude()
        cosine = abs(a[:3, 3] @ b[:3, 3]) / np.linalg.norm(a[:3, 3]) / np.linalg.norm(b[:3, 3])
        found.append((np.degrees(turn), np.degrees(np.arccos(min(cosine, 1.0)))))
    return found


@pytest.mark.parametrize("convention", ["camera", "vidfm3d"])
def test_errors_are_those_of_an_independent_implementation(convention: str) -> None:
    pred, true = random_poses(0), random_poses(1)
    rotation, translation = relative_pose_errors(pred, true, convention)
    expected = np.array([by_scipy(p, t, convention) for p, t in zip(pred.numpy(), true.numpy(), strict=True)])
    np.testing.assert_allclose(rotation, expected[..., 0], atol=1e-5)
    np.testing.assert_allclose(translation, expected[..., 1], atol=1e-5)


def test_a_new_world_frame_changes_translation_errors_of_the_published_convention_alone() -> None:
    pred, true, move = random_poses(0), random_poses(1), random_poses(2, 1, 1)[0, 0]
    for convention, kept in (("camera", True), ("vidfm3d", False)):
        before = relative_pose_errors(pred, true, convention)
        after = relative_pose_errors(pred @ move, true @ move, convention)
        torch.testing.assert_close(before[0], after[0])
        assert torch.allclose(before[1], after[1]) == kept


def test_equal_poses_have_no_error_and_a_camera_that_stays_has_no_direction() -> None:
    poses = random_poses(3)
    rotation, translation = relative_pose_errors(poses, poses)
    assert float(rotation.max()) < 1e-6
    assert float(translation.max()) < 1e-6
    still = torch.eye(4).repeat(2, 1, 1)
    assert relative_pose_errors(still, still)[1].tolist() == [90.0]


def test_the_auc_in_bins_of_one_degree_done_by_hand() -> None:
    errors = torch.tensor([0.5, 1.5, 1.6, 9.0])
    assert float(pose_auc(errors, 3)) == pytest.approx((0.25 + 0.75 + 0.75) / 3)


def test_the_published_auc_has_31_bins_of_30_degrees() -> None:
    errors = torch.tensor([0.98, 29.5])  # 0.98 lies in the second bin of 30/31 degrees, and in the first of 1 degree
    assert float(pose_auc(errors, 5, "vidfm3d")) == pytest.approx((0 + 4 * 0.5) / 5)
    assert float(pose_auc(errors, 5)) == pytest.approx(0.5)
    histogram = np.histogram(np.linspace(0, 40, 101), bins=31, range=(0, 30))[0] / 101
    found = pose_auc(torch.linspace(0, 40, 101, dtype=torch.float64), 30, "vidfm3d")
    assert float(found) == pytest.approx(histogram.cumsum()[:30].mean())


@pytest.mark.parametrize(("words", "threshold"), [({"bins": "two"}, 5), ({}, 31)])
def test_what_cannot_be_measured_is_refused(words: dict[str, str], threshold: int) -> None:
    with pytest.raises(ValueError):
        pose_auc(torch.ones(3), threshold, **words)


def test_one_view_and_an_unknown_convention_are_refused() -> None:
    with pytest.raises(ValueError, match="two views"):
        relative_pose_errors(torch.eye(4)[None], torch.eye(4)[None])
    with pytest.raises(ValueError, match="vidfm3d"):
        relative_pose_errors(torch.eye(4).repeat(2, 1, 1), torch.eye(4).repeat(2, 1, 1), "w2c")
