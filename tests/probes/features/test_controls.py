import pytest
import torch

from probes.extractors.noise import Noise
from probes.features.controls import shuffled_order, view_features
from tests.support.probes import MeanExtractor

VIDEO = (40 * torch.arange(6, dtype=torch.uint8))[:, None, None, None].expand(6, 3, 4, 4)
VIEWS = [0, 2, 4]


def slot_means(control: str | None) -> list[float]:
    found = view_features(MeanExtractor(), VIDEO, VIEWS, [1], None, control, "clip")[1]
    return found.values[:, 0, 0, 0].tolist()


def context(control: str | None) -> list[float]:
    found = view_features(MeanExtractor(), VIDEO, VIEWS, [1], None, control, "clip")[1]
    return found.values[:, 0, 0, 1].tolist()


def test_without_a_control_slots_are_those_of_the_views() -> None:
    assert slot_means(None) == pytest.approx([20 / 255, 100 / 255, 180 / 255])
    assert context(None) == pytest.approx([100 / 255] * 3)


def test_a_repeated_frame_leaves_nothing_of_the_others() -> None:
    assert slot_means("repeated") == pytest.approx([0.0, 80 / 255, 160 / 255])
    assert context("repeated") == pytest.approx([0.0, 80 / 255, 160 / 255])


def test_shuffled_frames_keep_the_clip_and_change_the_neighbours() -> None:
    assert context("shuffled") == pytest.approx([100 / 255] * 3)
    assert slot_means("shuffled") != pytest.approx(slot_means(None))
    assert slot_means("shuffled") == slot_means("shuffled")


def test_many_views_in_few_slots_are_shuffled_into_slots_of_their_own() -> None:
    views, extractor = [0, 2, 4, 6, 8], MeanExtractor()
    order = shuffled_order(extractor, 10, views, "clip")
    assert sorted(order) == list(range(10))
    assert len({order.index(view) // 2 for view in views}) == 5
    assert order != shuffled_order(extractor, 10, views, "other")


def test_two_clips_see_other_noise_and_one_clip_the_same() -> None:
    extractor = MeanExtractor(noisy=True)
    one, again, other = (extractor.extract(VIDEO, [0], Noise(0.5), clip)[0].values for clip in ("a", "a", "b"))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_an_unknown_control_is_refused() -> None:
    with pytest.raises(ValueError, match="choose repeated or shuffled"):
        slot_means("reversed")


def test_noise_averages_away_over_many_samples() -> None:
    extractor = MeanExtractor(noisy=True)
    clean = extractor.extract(VIDEO, [0], Noise(0.0))[0].values
    one = extractor.extract(VIDEO, [0], Noise(0.3, samples=1))[0].values
    many = extractor.extract(VIDEO, [0], Noise(0.3, samples=64))[0].values
    assert (many - 0.7 * clean).abs().max() < (one - 0.7 * clean).abs().max() / 3


@pytest.mark.parametrize(
    ("layers", "noise", "said"),
    [([2], Noise(0.5), "no layer 2: its blocks are 0 to 1"), ([0], None, "give a noise level")],
)
def test_a_wrong_layer_or_a_missing_noise_level_is_one_line(layers: list[int], noise: Noise | None, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        MeanExtractor(noisy=True).extract(VIDEO, layers, noise)


def test_a_model_without_noise_refuses_a_level() -> None:
    with pytest.raises(ValueError, match="takes no noise level"):
        MeanExtractor().extract(VIDEO, [0], Noise(0.5))


@pytest.mark.parametrize("sigma", [-0.1, 1.5])
def test_a_sigma_outside_of_its_range_is_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match=r"from 0 \(clean\) to 1"):
        Noise(sigma)
