import math
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from diffusers import EDMEulerScheduler

from probes.extractors.diffusion.cosmos import CosmosExtractor, edm_sigma
from probes.extractors.noise import Noise
from tests.support.checkpoints.cosmos import SLOTS, cosmos
from tests.support.clips.extractor_clips import clip, first_changed_slot, noise, pixels, watched

SIZE = (32, 48)


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> CosmosExtractor:
    folder = cosmos(tmp_path_factory.mktemp("cosmos"))
    return CosmosExtractor.from_pretrained(folder, "cosmos", SIZE, frames=17, dtype=torch.float32)


def test_a_slot_has_seen_eight_frames(extractor: CosmosExtractor) -> None:
    found = extractor.extract(clip(17), [0, 2], Noise(0.5))
    assert found[2].values.shape == (3, 2, 3, 32)
    assert found[2].slots.frames == ((0,), tuple(range(1, 9)), tuple(range(9, 17)))


def test_features_are_what_the_block_gives_in_the_stock_forward(extractor: CosmosExtractor) -> None:
    found = extractor.extract(clip(17), [1], Noise(0.25, seed=3))[1]
    vae, model, scheduler = extractor.vae, extractor.transformer, EDMEulerScheduler()
    with torch.no_grad(), watched(model.transformer_blocks[1]) as stock:
        mean, std = (
            torch.tensor(values).view(1, 4, SLOTS, 1, 1) for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        latents = (vae.encode(pixels(clip(17), SIZE)).latent_dist.mode() - mean) / std
        sigma = 0.5 * 0.25 / 0.75  # of latents that are scaled to a deviation of 0.5
        noisy = scheduler.precondition_inputs(0.5 * latents + sigma * noise(latents, 3), sigma)
        told = scheduler.precondition_noise(sigma)
        model(noisy, told, extractor.prompt["encoder_hidden_states"], fps=30, padding_mask=torch.zeros(1, 1, *SIZE))
    torch.testing.assert_close(found.values.reshape(1, -1, 32), stock[0])


@pytest.mark.parametrize(("sigma", "level"), [(0.0, 0.002), (0.5, 0.5), (0.9, 4.5), (1.0, 80.0)])
def test_the_level_that_is_told_stays_within_the_trained_ones(
    extractor: CosmosExtractor, sigma: float, level: float
) -> None:
    assert math.isclose(edm_sigma(sigma, *extractor.levels), level)
    assert extractor.extract(clip(17), [2], Noise(sigma))[2].values.isfinite().all()


@pytest.mark.parametrize("changed", [0, 1, 8, 9, 16])
def test_a_frame_changes_the_latents_of_its_slot_and_none_before_it(extractor: CosmosExtractor, changed: int) -> None:
    seen = next(k for k, slot in enumerate(extractor.slots(17)) if changed in slot)
    assert first_changed_slot(extractor.encode, 17, changed) == seen


def test_latents_without_statistics_are_taken_as_they_are(extractor: CosmosExtractor) -> None:
    plain = deepcopy(extractor)
    plain.vae.register_to_config(latents_mean=None, latents_std=None)
    latents = torch.randn(1, 4, 5, 2, 2, generator=torch.Generator().manual_seed(0))
    assert torch.equal(plain.normalise(latents), latents)
    assert plain.windows(33)


def test_a_clip_longer_than_the_statistics_is_refused(extractor: CosmosExtractor) -> None:
    with pytest.raises(ValueError, match="takes 17 frames or fewer, got 25"):
        extractor.windows(25)


def test_two_runs_give_the_same_bytes_and_another_seed_others(extractor: CosmosExtractor) -> None:
    one, again, other = (extractor.extract(clip(17), [2], Noise(0.5, seed=seed))[2].values for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_folder_without_a_scheduler_is_refused(tmp_path: Path) -> None:
    folder = cosmos(tmp_path)
    (folder / "scheduler" / "scheduler_config.json").unlink()
    with pytest.raises(FileNotFoundError, match="no scheduler in"):
        CosmosExtractor.from_pretrained(folder, "cosmos", SIZE)
