from pathlib import Path

import pytest
import torch

from probes.extractors.diffusion.cosmos25 import Cosmos25Extractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.cosmos import cosmos
from tests.support.checkpoints.cosmos25 import cosmos25
from tests.support.clips.extractor_clips import clip, noise, pixels, watched

SIZE = (32, 48)


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> Cosmos25Extractor:
    folder = cosmos25(tmp_path_factory.mktemp("cosmos25"))
    return Cosmos25Extractor.from_pretrained(folder, "cosmos", SIZE, frames=9, dtype=torch.float32)


@pytest.mark.parametrize("layer", [0, 2])
def test_features_are_what_the_block_gives_in_the_stock_forward(extractor: Cosmos25Extractor, layer: int) -> None:
    found = extractor.extract(clip(9), [layer], Noise(0.25, seed=3))[layer]
    assert found.slots.frames == ((0,), (1, 2, 3, 4), (5, 6, 7, 8))
    assert found.values.shape == (3, 2, 3, 32)
    with torch.no_grad(), watched(extractor.transformer.transformer_blocks[layer]) as stock:
        clean = extractor.vae.encode(pixels(clip(9), SIZE)).latent_dist.mode()
        mean, std = (torch.tensor(x).view(1, 4, 1, 1, 1) for x in ([0.1, -0.2, 0.3, 0.0], [1.0, 2.0, 0.5, 1.5]))
        noisy = 0.75 * (clean - mean) / std
        extractor.transformer(
            noisy + 0.25 * noise(clean, 3),
            timestep=torch.full((1, 1, 3, 1, 1), 0.25),  # sigma itself, one for each slot, as in the pipeline
            condition_mask=torch.zeros(1, 1, *clean.shape[2:]),
            padding_mask=torch.zeros(1, 1, *SIZE),
            **extractor.prompt,
        )
    torch.testing.assert_close(found.values.reshape(1, -1, 32), stock[0], atol=1e-6, rtol=1e-5)


def test_the_prompt_is_that_of_all_layers_of_the_text_encoder(extractor: Cosmos25Extractor) -> None:
    assert extractor.prompt["encoder_hidden_states"].shape == (1, 512, 2 * 16)


def test_predict1_is_refused_by_the_class_of_its_autoencoder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds a AutoencoderKLCosmos, not a AutoencoderKLWan"):
        Cosmos25Extractor.from_pretrained(cosmos(tmp_path), "cosmos", SIZE)
