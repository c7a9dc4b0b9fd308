"""Occlusion is judged by silhouettes, which are those of renderings."""

from __future__ import annotations

from dataclasses import replace

from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.occlusion import occluded_shares, silhouettes

WORLD = WorldConfig(height=48, width=64, frames=1, objects=(6, 10), cameras=("static",), noise=0.0)


def test_silhouettes_are_what_renderings_show() -> None:
    world = make_world(3, WORLD)
    visible, full = silhouettes([world])[0]
    instances = render([world], signals=())[0].truth.instances  # type: ignore[union-attr]
    assert visible.tolist() == [int((instances == k + 1).sum()) for k in range(len(world.objects))]
    alone = render([replace(world, objects=(obj,)) for obj in world.objects], signals=())
    assert full.tolist() == [int((clip.truth.instances > 0).sum()) for clip in alone]  # type: ignore[union-attr]


def test_an_object_alone_is_not_occluded_and_small_ones_are_left_out() -> None:
    world = make_world(3, WORLD)
    (alone,), (shares,), (large,) = (
        occluded_shares([world], smallest, alone) for smallest, alone in ((0.0, True), (0.0, False), (0.02, False))
    )
    assert all(share == 0 for _, share in alone)
    assert any(share > 0 for _, share in shares)
    assert {index for index, _ in large} < {index for index, _ in shares}


def test_the_share_is_judged_at_half_the_resolution() -> None:
    world = make_world(3, WORLD)
    half = replace(world, config=replace(world.config, height=24, width=32))
    visible, full = silhouettes([half])[0]
    expected = [(k, 1 - int(visible[k]) / int(full[k])) for k in range(len(full)) if visible[k] > 0]
    assert occluded_shares([world], 0.0, alone=False) == [expected]
