"""Linear heads, on few worlds."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from probes.extractors.images.pixels import PixelExtractor
from region4d.app.probing.linear_head import VIEWS, FittingWorlds, fit_heads, labels_of

pytestmark = pytest.mark.usefixtures("few_worlds")


def unheard(_doing: str, _share: float) -> None:
    """Report to nobody."""


def pixels() -> PixelExtractor:
    return PixelExtractor("pixels", (48, 48), patch=8, tubelet=2)


@pytest.fixture(scope="module")
def few(few_worlds: None) -> FittingWorlds:
    worlds = FittingWorlds()
    worlds.clips(unheard)
    return worlds


def test_a_head_predicts_a_world_of_its_own_better_than_without_looking(few: FittingWorlds) -> None:
    (head,) = fit_heads(few, pixels(), [0], None, unheard).values()
    clip = few.clips(unheard)[0]
    features = pixels().extract(clip.video, [0])[0]
    labels = labels_of(clip.frames(VIEWS), head.size)
    errors = []
    for points, depth in (head.predict(features.values[features.slots.slots_of(VIEWS)].float()), head.blind()):
        assert points.shape == labels.points.shape
        apart = (points - labels.points).norm(dim=-1).mean()
        errors.append((float((depth.log() - labels.depth.log()).square().mean()), float(apart)))
    (depth_error, point_error), (blind_depth_error, blind_point_error) = errors
    assert depth_error < blind_depth_error
    assert point_error < blind_point_error


def test_without_looking_is_the_mean_of_the_worlds(few: FittingWorlds) -> None:
    (head,) = fit_heads(few, pixels(), [0], None, unheard).values()
    labels = [labels_of(clip.frames(VIEWS), head.size) for clip in few.clips(unheard)]
    points, depth = head.blind()
    assert torch.allclose(points, torch.stack([each.points for each in labels]).mean(0), atol=1e-4)
    assert torch.allclose(depth.log(), torch.stack([each.depth.log() for each in labels]).mean(0), atol=1e-4)


def test_worlds_are_rendered_once_and_the_share_of_the_work_grows(few: FittingWorlds) -> None:
    told: list[tuple[str, float]] = []

    def report(doing: str, share: float) -> None:
        told.append((doing, share))

    first = few.clips(report)
    assert few.clips(report)[0] is first[0]
    assert told == []
    fit_heads(few, pixels(), [0], None, report)
    assert [share for _, share in told] == sorted(share for _, share in told)
    assert {doing for doing, _ in told} == {"extracting features of pixels", "fitting a linear head on layer 0"}


def test_labels_without_poses_are_refused(few: FittingWorlds) -> None:
    with pytest.raises(ValueError, match="need depth, intrinsics and camera poses"):
        labels_of(replace(few.clips(unheard)[0], world_T_cam=None), (8, 8))
