from pathlib import Path

import pytest
import torch
from diffusers import WanTransformer3DModel

from probes.clips.seeding import clip_generator
from probes.extractors.diffusion.pixel_flow import PixelFlowExtractor
from probes.extractors.images.pixels import PixelExtractor
from probes.extractors.noise import Noise


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    WanTransformer3DModel(
        patch_size=(2, 8, 8),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=3,
        out_channels=3,
        text_dim=8,
        freq_dim=16,
        ffn_dim=32,
        num_layers=2,
        rope_max_seq_len=16,
    ).save_pretrained(tmp_path)
    return tmp_path


def video() -> torch.Tensor:
    return torch.randint(0, 256, (4, 3, 16, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_patches_are_the_pixels_of_their_cells() -> None:
    found = PixelExtractor("pixels", (16, 24), patch=8, tubelet=2).extract(video(), [0])[0]
    assert found.values.shape == (2, 2, 3, 2 * 8 * 8 * 3)
    assert found.slots.frames == ((0, 1), (2, 3))
    cell = 2 * video()[2, :, 8:16, 16:24].float() / 255 - 1
    assert torch.allclose(found.values[1, 1, 2].view(2, 8, 8, 3)[0].permute(2, 0, 1), cell, atol=1e-5)


def test_a_flow_on_pixels_is_read_like_one_on_latents(folder: Path) -> None:
    extractor = PixelFlowExtractor.from_pretrained(folder, "flow", (16, 24))
    found = extractor.extract(video(), [1], Noise(0.25, seed=1))[1]
    assert found.slots.frames == ((0, 1), (2, 3))
    clean = (2 * video().float() / 255 - 1).permute(1, 0, 2, 3)[None]
    noisy = 0.75 * clean + 0.25 * torch.randn(clean.shape, generator=clip_generator("/0", 1))
    seen: list[torch.Tensor] = []
    with torch.no_grad():
        extractor.transformer.blocks[1].register_forward_hook(lambda _m, _i, output: seen.append(output))
        extractor.transformer(noisy, torch.tensor([250.0]), torch.zeros(1, 1, 8))
    assert torch.allclose(found.values.reshape(1, -1, 24), seen[-1], atol=1e-4)


def test_the_conditioning_level_changes_features_and_not_the_noise(folder: Path) -> None:
    extractor = PixelFlowExtractor.from_pretrained(folder, "flow", (16, 24))
    levels = (Noise(0.5), Noise(0.5, conditioning_sigma=0.0))
    one, other = (extractor.extract(video(), [0], noise)[0].values for noise in levels)
    assert not torch.equal(one, other)


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"_class_name": "CogVideoXTransformer3DModel"}')
    with pytest.raises(ValueError, match="holds a CogVideoXTransformer3DModel"):
        PixelFlowExtractor.from_pretrained(tmp_path, "flow")
