from pathlib import Path

import pytest
import torch
from diffusers import WanPipeline
from torch.nn.functional import interpolate

from probes.clips.seeding import clip_generator
from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.wan import wan
from tests.support.clips.extractor_clips import noise, pixels


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


@pytest.mark.parametrize(("expert", "level", "other"), [("low", 0.5, 0.9), ("high", 0.875, 0.8)])
def test_the_expert_of_a_noise_level_is_the_one_that_the_pipeline_takes(
    expert: str, level: float, other: float, tmp_path: Path
) -> None:
    folder = wan(tmp_path / "wan", "2.2-a14b")
    stock = WanPipeline.from_pretrained(folder, local_files_only=True)
    extractor = WanExtractor.from_pretrained(folder, "wan", (32, 48), 9, torch.float32, expert=expert)  # type: ignore[arg-type]
    transformer = stock.transformer if level >= stock.config.boundary_ratio else stock.transformer_2
    assert torch.equal(extractor.transformer.proj_out.weight, transformer.proj_out.weight)
    assert not torch.equal(stock.transformer.proj_out.weight, stock.transformer_2.proj_out.weight)
    assert extractor.extract(video(), [1], Noise(level))[1].values.shape == (3, 2, 3, 24)
    with pytest.raises(ValueError, match=f"sigma={other:g} is of the other one: choose it by extractor.build.expert"):
        extractor.extract(video(), [1], Noise(other))


def test_a_checkpoint_of_two_experts_needs_a_choice_and_any_other_takes_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"two experts, .* below 0.875 .* none was chosen: choose expert=low"):
        WanExtractor.from_pretrained(wan(tmp_path / "two", "2.2-a14b"), "wan", (32, 48))
    with pytest.raises(ValueError, match="has one transformer: leave expert=low out"):
        WanExtractor.from_pretrained(wan(tmp_path / "one"), "wan", (32, 48), expert="low")


def test_a_token_of_wan_22_has_the_features_of_a_timestep_for_each_token(tmp_path: Path) -> None:
    folder = wan(tmp_path / "wan", "2.2-ti2v")
    extractor = WanExtractor.from_pretrained(folder, "wan", (64, 96), 9, torch.float32)
    found = extractor.extract(video(), [1], Noise(0.25, seed=3))[1]
    assert found.values.shape == (3, 2, 3, 24)
    clean = extractor.encode(pixels(video(), (64, 96)))
    stock: list[torch.Tensor] = []
    handle = extractor.transformer.blocks[1].register_forward_hook(lambda _m, _i, output: stock.append(output))
    with torch.no_grad():  # as the pipeline runs it: a timestep for each token
        timesteps = torch.full((1, 3 * 2 * 3), 250.0)
        noisy = 0.75 * clean + 0.25 * noise(clean, 3)
        extractor.transformer(noisy, timesteps, extractor.prompt["encoder_hidden_states"])
    handle.remove()
    torch.testing.assert_close(found.values.reshape(1, -1, 24), stock[0], atol=1e-5, rtol=1e-5)


def test_an_image_to_video_checkpoint_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is an image-to-video WAN, which has no extractor"):
        WanExtractor.from_pretrained(wan(tmp_path / "wan", "i2v"), "wan", (32, 48))


def test_a_prompt_is_encoded_once_and_is_part_of_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = wan(tmp_path / "wan")

    def load(prompt: str) -> WanExtractor:
        return WanExtractor.from_pretrained(folder, "wan", (32, 48), 9, torch.float32, prompt=prompt)

    first, other = load("a room"), load("")
    monkeypatch.setattr(WanPipeline, "from_pretrained", lambda *_args, **_options: pytest.fail("loaded again"))
    again = load("a room")
    assert torch.equal(first.prompt["encoder_hidden_states"], again.prompt["encoder_hidden_states"])
    assert first.key(1, Noise(0.5)) == again.key(1, Noise(0.5)) != other.key(1, Noise(0.5))
