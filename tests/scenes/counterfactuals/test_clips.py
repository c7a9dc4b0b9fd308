from __future__ import annotations

from random import Random

import torch

from scenes.counterfactuals.clips import with_scale, with_shuffled_frames, with_times
from scenes.questions.facts import Facts
from scenes.worlds import WorldConfig, make_world, render

(CLIP,) = render([make_world(5, WorldConfig(frames=5, motion=True, objects=(4, 6)))], "cpu", ())


def test_times_change_and_nothing_that_is_seen() -> None:
    halved = with_times(CLIP, 0.5)
    assert torch.equal(halved.seconds, 0.5 * CLIP.seconds)
    assert halved.video is CLIP.video
    assert halved.depth is CLIP.depth


def test_a_larger_world_has_the_same_pictures_and_all_lengths_times_the_factor() -> None:
    large = with_scale(CLIP, 1.6)
    assert large.video is CLIP.video
    points, before = large.points(), CLIP.points()
    assert points is not None
    assert before is not None
    torch.testing.assert_close(points.xyz, 1.6 * before.xyz, rtol=1e-4, atol=1e-4)  # poses and depth, consistently
    facts, small = Facts.of(large), Facts.of(CLIP)
    for name in ("centre", "surface", "size", "top", "height"):
        torch.testing.assert_close(
            *(torch.tensor(x) for x in (getattr(facts, name), 1.6 * getattr(small, name))),
            rtol=1e-5,
            atol=1e-5,
            equal_nan=True,
        )
    assert (facts.area == small.area).all()
    assert (facts.column[facts.visible_at_start] == small.column[small.visible_at_start]).all()


def test_shuffled_frames_keep_their_depth_poses_and_truth_and_get_the_times_of_their_place() -> None:
    shuffled = with_shuffled_frames(CLIP, Random(0))
    assert shuffled is not None
    order = [next(k for k in range(5) if torch.equal(frame, CLIP.video[k])) for frame in shuffled.video]
    assert sorted(order) == list(range(5))
    assert order[0] != 0
    assert order[-1] != 4
    assert torch.equal(shuffled.seconds, CLIP.seconds)
    facts, before = Facts.of(shuffled), Facts.of(CLIP)
    assert (facts.area == before.area[order]).all()
    assert (facts.centre == before.centre[order]).all()
    assert with_shuffled_frames(CLIP.frames([0]), Random(0)) is None
