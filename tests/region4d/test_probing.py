from pathlib import Path

import pytest

import region4d
from tests.support.probes import MeanExtractor, toy_clips


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.long
def test_every_held_out_clip_is_measured_for_each_layer_the_same_every_time(elsewhere: Path) -> None:
    clips = toy_clips(elsewhere)
    errors, again = (region4d.probe_layers(MeanExtractor(), clips, [1], steps=2) for _ in range(2))
    assert list(errors) == [1]
    for split in ("val", "test"):
        assert list(errors[1][split]) == list(clips.splits[split])
        assert all(clip["point_error"] > 0 for clip in errors[1][split].values())
    assert errors == again


@pytest.mark.long
def test_a_noise_level_is_handed_on_and_a_diffusion_model_needs_one(elsewhere: Path) -> None:
    with pytest.raises(ValueError, match="sigma"):
        region4d.probe_layers(MeanExtractor(noisy=True), toy_clips(elsewhere), [1], steps=2)
    assert region4d.probe_layers(MeanExtractor(noisy=True), toy_clips(elsewhere), [1], sigma=0.3, steps=1)[1]["test"]
