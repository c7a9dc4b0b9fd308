from copy import deepcopy

import pytest
import torch
from diffusers import LTX2Pipeline

from probes.extractors.diffusion.ltx2 import LTX2Extractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.ltx2 import ltx2
from tests.support.clips.extractor_clips import clip, noise, pixels, watched

SIZE = (64, 96)


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> LTX2Extractor:
    folder = ltx2(tmp_path_factory.mktemp("ltx2"))
    return LTX2Extractor.from_pretrained(folder, "ltx2", SIZE, frames=17, dtype=torch.float32, frame_rate=20.0)


def stock_block(extractor: LTX2Extractor, sound: torch.Tensor) -> torch.Tensor:
    vae, model = extractor.vae, extractor.transformer
    with torch.no_grad(), watched(model.transformer_blocks[1]) as stock:
        clean = LTX2Pipeline._normalize_latents(
            vae.encode(pixels(clip(17), SIZE)).latent_dist.mode(), vae.latents_mean, vae.latents_std
        )
        model(
            LTX2Pipeline._pack_latents(0.75 * clean + 0.25 * noise(clean, 3)),
            sound,
            timestep=torch.tensor([250.0]),
            num_frames=3,
            height=2,
            width=3,
            fps=20.0,
            audio_num_frames=sound.shape[1],
            isolate_modalities=True,
            **extractor.prompt,
        )
    seen: torch.Tensor = stock[0][0]
    return seen


def test_features_are_what_the_block_gives_in_the_stock_forward_whatever_the_sound(extractor: LTX2Extractor) -> None:
    found = extractor.extract(clip(17), [1], Noise(0.25, seed=3))[1]
    assert found.values.shape == (3, 2, 3, 24)
    assert found.slots.frames == ((0,), tuple(range(1, 9)), tuple(range(9, 17)))
    for sound in (torch.zeros(1, 1, 4), torch.randn(1, 5, 4)):
        assert torch.equal(found.values.reshape(1, -1, 24), stock_block(extractor, sound))


def test_another_frame_rate_gives_other_features(extractor: LTX2Extractor) -> None:
    slow = deepcopy(extractor)
    slow.frame_rate = 5.0
    one, other = (each.extract(clip(17), [2], Noise(0.5))[2].values for each in (extractor, slow))
    assert not torch.equal(one, other)
    assert extractor.key(2, Noise(0.5)) != slow.key(2, Noise(0.5))


def test_the_prompt_comes_from_the_connectors_for_video_and_sound(extractor: LTX2Extractor) -> None:
    prompt = extractor.prompt
    assert prompt["encoder_hidden_states"].shape == prompt["audio_encoder_hidden_states"].shape == (1, 1024, 16)
    assert prompt["encoder_attention_mask"].shape == (1, 1024)
