import pytest
import torch
from diffusers import LTXPipeline

from probes.extractors.diffusion.ltx_video import LTXVideoExtractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.ltx_video import ltx_video
from tests.support.clips.extractor_clips import clip, first_changed_slot, noise, pixels, watched

SIZE = (64, 96)


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> LTXVideoExtractor:
    folder = ltx_video(tmp_path_factory.mktemp("ltx_video"))
    return LTXVideoExtractor.from_pretrained(folder, "ltx", SIZE, frames=17, dtype=torch.float32, frame_rate=20.0)


def test_a_slot_has_seen_eight_frames_and_a_token_32_pixels(extractor: LTXVideoExtractor) -> None:
    found = extractor.extract(clip(17), [0, 2], Noise(0.5))
    assert found[2].values.shape == (3, 2, 3, 24)
    assert found[2].slots.frames == ((0,), tuple(range(1, 9)), tuple(range(9, 17)))


def test_features_are_what_the_block_gives_in_the_stock_forward(extractor: LTXVideoExtractor) -> None:
    found = extractor.extract(clip(17), [1], Noise(0.25, seed=3))[1]
    vae, model = extractor.vae, extractor.transformer
    with torch.no_grad(), watched(model.transformer_blocks[1]) as stock:
        clean = LTXPipeline._normalize_latents(
            vae.encode(pixels(clip(17), SIZE)).latent_dist.mode(), vae.latents_mean, vae.latents_std, 0.8
        )
        model(
            LTXPipeline._pack_latents(0.75 * clean + 0.25 * noise(clean, 3)),
            timestep=torch.tensor([250.0]),
            num_frames=3,
            height=2,
            width=3,
            rope_interpolation_scale=(8 / 20, 32, 32),
            **extractor.prompt,
        )
    assert torch.equal(found.values.reshape(1, -1, 24), stock[0])


@pytest.mark.parametrize("changed", [0, 1, 8, 9, 16])
def test_a_frame_changes_the_latents_of_its_slot_and_none_before_it(extractor: LTXVideoExtractor, changed: int) -> None:
    seen = next(k for k, slot in enumerate(extractor.slots(17)) if changed in slot)
    assert first_changed_slot(extractor.encode, 17, changed, SIZE) == seen


def test_another_frame_rate_gives_other_features(extractor: LTXVideoExtractor) -> None:
    slow = LTXVideoExtractor(extractor.transformer, extractor.vae, extractor.prompt, "ltx", SIZE, 17, frame_rate=5.0)
    one, other = (x.extract(clip(17), [2], Noise(0.5))[2].values for x in (extractor, slow))
    assert not torch.equal(one, other)
    assert extractor.key(2, Noise(0.5)) != slow.key(2, Noise(0.5))


def test_two_runs_give_the_same_bytes_and_another_seed_others(extractor: LTXVideoExtractor) -> None:
    one, again, other = (extractor.extract(clip(17), [2], Noise(0.5, seed=seed))[2].values for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_clip_that_is_not_one_frame_and_eights_is_refused(extractor: LTXVideoExtractor) -> None:
    with pytest.raises(ValueError, match=r"takes 1 \+ 8k frames, got 13: take 9"):
        extractor.windows(13)
