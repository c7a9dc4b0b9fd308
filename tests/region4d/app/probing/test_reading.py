"""Reading a clip with frozen models."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from region4d.app.opening import Opened, open_world
from region4d.app.pages.probe_cards import depth_html, features_html, reading_html
from region4d.app.probing.frozen_models import FrozenModel
from region4d.app.probing.reading import METRICS, read_clip
from region4d.app.probing.scene import clouds_html, clouds_of


def unheard(_doing: str, _share: float) -> None:
    """Report to nobody."""


@pytest.fixture(scope="module")
def world() -> Opened:
    return open_world(6, 8, False)


def test_a_world_has_points_depth_and_errors_at_the_layer_of_the_model(
    frozen: dict[str, FrozenModel], world: Opened
) -> None:
    reading = read_clip(frozen["video_mae"], world, None, unheard)
    assert reading.layer == 3
    assert sorted(reading.features) == sorted(reading.predictions) == [0, 1, 2, 3, 4, 5]
    assert reading.prediction.points.shape == (4, 48, 48, 3)
    assert reading.prediction.errors is not None
    assert sorted(reading.prediction.errors) == sorted(METRICS)
    assert reading.blind is not None
    assert reading.blind.errors != reading.prediction.errors
    page = reading_html(reading, frozen["video_mae"], 1.0) + depth_html(reading, "true") + features_html(reading)
    assert f"<td>{reading.prediction.errors['abs_rel']:.3f}</td>" in page
    assert "linear head" in page
    assert page.count('alt="layer 5,') == 2 * 4  # slots of two frames each, as they are and less what is usual
    assert page.count('alt="error,') == 4


def test_another_layer_is_read_where_it_is_asked_for(frozen: dict[str, FrozenModel], world: Opened) -> None:
    first = read_clip(frozen["video_mae"], world, 0, unheard)
    assert first.layer == 0
    assert first.prediction is first.predictions[0]
    with pytest.raises(ValueError, match="video_mae has no layer 6: its blocks are 0 to 5"):
        read_clip(frozen["video_mae"], world, 6, unheard)


def test_footage_without_depth_is_predicted_and_compared_with_nothing(
    frozen: dict[str, FrozenModel], world: Opened
) -> None:
    clip = replace(world.clip, depth=None, intrinsics=None, world_T_cam=None, truth=None)
    reading = read_clip(frozen["pixels"], replace(world, clip=clip, depth=None), None, unheard)
    assert reading.labels is None
    assert reading.prediction.errors is None
    assert any("nothing to compare" in note for note in reading.notes)
    assert [cloud.label for cloud in clouds_of(reading, "true")] == ["predicted"]
    assert 'alt="predicted, 4 of 4"' in depth_html(reading, "true")


def test_a_picture_is_repeated_and_said_to_be(frozen: dict[str, FrozenModel], world: Opened) -> None:
    reading = read_clip(frozen["pixels"], replace(world, clip=world.clip.frames([0])), None, unheard)
    assert reading.clip.video.equal(world.clip.video[:1].expand(8, -1, -1, -1))
    assert any(note.startswith("1 of the 8 frames") for note in reading.notes)


def test_predicted_points_are_beside_the_true_ones_after_alignment(
    frozen: dict[str, FrozenModel], world: Opened
) -> None:
    reading = read_clip(frozen["pixels"], world, None, unheard)
    exact = replace(reading.prediction, points=3 * reading.labels.points + 1)  # type: ignore[union-attr]
    true, predicted = clouds_of(replace(reading, predictions={0: exact}), "true")
    assert (true.label, predicted.label) == ("true", "predicted")
    for a, b in zip(true.xyz, predicted.xyz, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)
    assert "__VISER_EMBED_DATA__" in clouds_html([true, predicted], world.clip.seconds[[0, 2, 4, 6]])
