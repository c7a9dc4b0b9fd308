from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate

from probes.clips.seeding import clip_generator
from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.wan import wan


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> WanExtractor:
    folder = wan(tmp_path_factory.mktemp("wan"))
    return WanExtractor.from_pretrained(folder, "wan", size=(32, 48), frames=9, dtype=torch.float32)


def video(frames: int = 9) -> torch.Tensor:
    return torch.randint(0, 256, (frames, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_features_lie_on_the_grid_of_latents_and_name_their_frames(extractor: WanExtractor) -> None:
    found = extractor.extract(video(), [0, 2], Noise(0.5))
    assert set(found) == {0, 2}
    assert found[2].values.shape == (3, 2, 3, 24)
    assert found[2].slots.frames == ((0,), (1, 2, 3, 4), (5, 6, 7, 8))


def test_features_are_what_the_block_gives_in_the_stock_forward(extractor: WanExtractor) -> None:
    found = extractor.extract(video(), [1], Noise(0.25, seed=3))[1]
    frames = interpolate(video().float() / 255, (32, 48), mode="bicubic", antialias=True).clamp(0, 1)
    vae, transformer = extractor.vae, extractor.transformer
    mean, std = (torch.tensor(x).view(1, -1, 1, 1, 1) for x in (vae.config.latents_mean, vae.config.latents_std))
    with torch.no_grad():
        clean = (vae.encode(2 * frames.permute(1, 0, 2, 3)[None] - 1).latent_dist.mode() - mean) / std
        noisy = 0.75 * clean + 0.25 * torch.randn(clean.shape, generator=clip_generator("/0", 3))
        stock: list[torch.Tensor] = []
        handle = transformer.blocks[1].register_forward_hook(lambda _m, _i, output: stock.append(output))
        transformer(noisy, torch.tensor([250.0]), extractor.prompt["encoder_hidden_states"])
        handle.remove()
    assert torch.equal(found.values.reshape(1, -1, 24), stock[0])


def test_two_runs_give_the_same_bytes_and_another_seed_others(extractor: WanExtractor) -> None:
    one, again, other = (extractor.extract(video(), [2], Noise(0.5, seed=seed))[2].values for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_later_frame_changes_no_earlier_latent(extractor: WanExtractor) -> None:
    changed = video().clone()
    changed[5:] = 255 - changed[5:]
    one, other = (extractor.encode(2 * (x.float() / 255).permute(1, 0, 2, 3)[None] - 1) for x in (video(), changed))
    assert torch.equal(one[:, :, :2], other[:, :, :2])
    assert not torch.equal(one[:, :, 2], other[:, :, 2])


def test_a_clip_that_is_too_short_is_refused(extractor: WanExtractor) -> None:
    with pytest.raises(ValueError, match="takes 9 frames, the clip has 5"):
        extractor.extract(video(5), [0], Noise(0.5))


def test_a_folder_without_an_autoencoder_is_refused(tmp_path: Path) -> None:
    folder = wan(tmp_path / "wan")
    (folder / "vae" / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match="no vae in"):
        WanExtractor.from_pretrained(folder, "wan")
