from pathlib import Path

import pytest
import torch

from probes.extractors.diffusion.hunyuan_video15 import HunyuanVideo15Extractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.hunyuan_video15 import hunyuan_video15
from tests.support.clips.extractor_clips import clip, noise, pixels, watched

SIZE = (32, 48)


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> HunyuanVideo15Extractor:
    folder = hunyuan_video15(tmp_path_factory.mktemp("hunyuan_video15"))
    return HunyuanVideo15Extractor.from_pretrained(folder, "hunyuan", SIZE, frames=9, dtype=torch.float32)


def test_features_are_what_the_block_gives_in_the_stock_forward(extractor: HunyuanVideo15Extractor) -> None:
    found = extractor.extract(clip(9), [1], Noise(0.25, seed=3))[1]
    assert found.slots.frames == ((0,), (1, 2, 3, 4), (5, 6, 7, 8))
    assert found.values.shape == (3, 2, 3, 32)
    with torch.no_grad(), watched(extractor.transformer.transformer_blocks[1]) as stock:
        clean = extractor.vae.encode(pixels(clip(9), SIZE)).latent_dist.mode() * 1.03682
        noisy = 0.75 * clean + 0.25 * noise(clean, 3)
        empty = torch.zeros(1, 5, *clean.shape[2:])  # of a first frame and its mask: `prepare_cond_latents_and_mask`
        extractor.transformer(
            torch.cat([noisy, empty], 1), torch.tensor([250.0]), image_embeds=torch.zeros(1, 729, 8), **extractor.prompt
        )
    assert torch.equal(found.values.reshape(1, -1, 32), stock[0][0])


def test_another_prompt_gives_other_features(extractor: HunyuanVideo15Extractor, tmp_path: Path) -> None:
    folder = hunyuan_video15(tmp_path)
    told = HunyuanVideo15Extractor.from_pretrained(folder, "hunyuan", SIZE, 9, torch.float32, prompt="a red cube")
    one, other = (each.extract(clip(9), [2], Noise(0.5))[2].values for each in (extractor, told))
    assert not torch.equal(one, other)
    assert told.key(2, Noise(0.5)) != extractor.key(2, Noise(0.5))


def test_an_image_to_video_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is a HunyuanVideo 1\.5 for i2v: give a text-to-video one"):
        HunyuanVideo15Extractor.from_pretrained(hunyuan_video15(tmp_path, "i2v"), "hunyuan", SIZE)
