"""What is known of objects, against hand-made clips."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from scenes.questions.facts import Facts
from tests.support.clips.toy_clips import EYE, build_clip, toy_clip


def test_area_and_surface_are_those_of_the_pixels():
    clip = toy_clip(3)
    facts = Facts.of(clip)
    points = clip.points()
    for k in np.flatnonzero(facts.area[0]):
        mask = clip.truth.instances[0] == k + 1
        assert facts.area[0, k] == mask.double().mean().item()
        world = facts.camera[:3, :3] @ facts.surface[k] + facts.camera[:3, 3]
        np.testing.assert_allclose(world, points.xyz[0][mask].mean(0), atol=1e-4)  # float32 against float64
        rows, columns = torch.nonzero(mask, as_tuple=True)
        assert facts.column[k] == pytest.approx((columns.double().mean().item() + 0.5) / 64)
        assert facts.row[k] == pytest.approx((rows.double().mean().item() + 0.5) / 64)


def test_an_upright_box_has_its_own_height_however_it_is_turned():
    clip = build_clip(torch.tensor([[[0.0, 3.0]]]), [(0.4, 0.6, 0.8)], yaw=torch.tensor([[0.7]]))
    facts = Facts.of(clip)
    assert facts.height[0] == pytest.approx(0.8, abs=1e-6)
    assert facts.top[0] == pytest.approx(0.8, abs=1e-6)


def test_what_is_behind_the_camera_is_not_visible_and_has_no_surface():
    facts = Facts.of(build_clip(torch.tensor([[[0.0, 3.0], [0.0, -5.0]]]), [(0.5, 0.5, 0.5)] * 2))
    assert facts.visible.tolist() == [True, False]
    assert np.isnan(facts.surface[1]).all()


def test_an_object_that_comes_into_view_later_can_be_placed_only_if_it_is_still():
    eyes = torch.tensor([EYE, (6.0, -1.0, 1.3)])  # the second camera stands 6 m to the right
    places = torch.tensor([[[0.0, 3.0], [6.0, 3.0], [6.8, 3.0]], [[0.0, 3.0], [6.0, 3.0], [5.2, 3.0]]])
    facts = Facts.of(build_clip(places, [(0.5, 0.5, 0.5)] * 3, eyes=eyes))
    assert facts.visible_at_start.tolist() == [True, False, False]
    assert facts.visible.tolist() == [True, True, True]
    assert facts.placed.tolist() == [True, True, False]
    assert not facts.visible_at_both_ends.any()


def test_rotation_is_counted_from_frame_to_frame_and_stops_an_object_from_being_still():
    yaw = torch.tensor([[0.0, 0.0], [1.0, 0.0], [-0.5, 0.0]])
    facts = Facts.of(build_clip(torch.tensor([[[-1.0, 3.0], [1.0, 3.0]]] * 3), [(0.5, 0.5, 0.5)] * 2, yaw=yaw))
    np.testing.assert_allclose(facts.turned[:, 0], [1.0, 1.5], atol=1e-5)
    assert facts.still.tolist() == [False, True]


def test_holes_in_the_depth_do_not_move_the_surface():
    clip = build_clip(torch.tensor([[[0.0, 3.0]]]), [(0.5, 0.5, 0.5)])
    before = Facts.of(clip).surface[0, 2]
    clip.depth[0, ::2] = 0
    # every other row is missing; the front face keeps its depth, the top leans back and shifts the mean a little
    assert Facts.of(clip).surface[0, 2] == pytest.approx(before, rel=0.01)
    assert math.isfinite(before)
