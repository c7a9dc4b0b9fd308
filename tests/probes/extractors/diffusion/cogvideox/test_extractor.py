from copy import deepcopy
from pathlib import Path

import pytest
import torch
from diffusers import CogVideoXImageToVideoPipeline
from einops import rearrange

from probes.extractors.diffusion.cogvideox import CogVideoXExtractor
from probes.extractors.diffusion.cogvideox.rotary import rotary_positions
from probes.extractors.noise import Noise
from tests.support.checkpoints.cogvideox import CAMERA, LATENT, aether, cogvideox, transformer
from tests.support.clips.extractor_clips import clip, first_changed_slot, noise, pixels, watched, without_group_norms

SIZE = (32, 48)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("cogvideox")
    return {
        "text": cogvideox(root / "text"),
        "image": cogvideox(root / "image", image_to_video=True),
        "aether": aether(root / "aether"),
    }


def build(folder: Path, **options: object) -> CogVideoXExtractor:
    return CogVideoXExtractor.from_pretrained(
        folder, "cogvideox", **{"size": SIZE, "frames": 17, "dtype": torch.float32, **options}
    )


@pytest.fixture(scope="module")
def text(folders: dict[str, Path]) -> CogVideoXExtractor:
    return build(folders["text"])


@pytest.fixture(scope="module")
def image(folders: dict[str, Path]) -> CogVideoXExtractor:
    return build(folders["image"])


def test_two_pieces_share_frame_0_and_take_every_other_frame(text: CogVideoXExtractor) -> None:
    found = text.extract(clip(17), [0, 2], Noise(0.5))[2]
    assert found.values.shape == (6, 2, 3, 32)
    assert found.slots.frames == (
        (0,), (1, 3, 5, 7), (9, 11, 13, 15),
        (0,), (2, 4, 6, 8), (10, 12, 14, 16),
    )  # fmt: skip


def test_the_slot_of_a_frame_is_that_of_the_study(text: CogVideoXExtractor) -> None:
    windows = text.windows(97)
    assert [len(window) for window in windows] == [49, 49]
    seen = [[window[k] for k in slot] for window in windows for slot in text.slots(49)]
    for s in range(1, 97):
        window, token = (s - 1) % 2, ((s - 1) // 2) // 4 + 1
        assert s in seen[13 * window + token]


def test_a_clip_may_be_taken_whole(folders: dict[str, Path]) -> None:
    found = build(folders["text"], windows=1, frames=9).extract(clip(9), [1], Noise(0.5))[1]
    assert found.slots.frames == ((0,), (1, 2, 3, 4), (5, 6, 7, 8))


def test_features_are_what_the_block_gives_in_the_stock_forward(text: CogVideoXExtractor) -> None:
    signal, share = (x**0.5 for x in (text.alphas_cumprod[250], 1 - text.alphas_cumprod[250]))
    found = text.extract(clip(17), [1], Noise(float(share / (signal + share)), seed=3))[1]
    with torch.no_grad(), watched(text.transformer.transformer_blocks[1]) as stock:
        clean = 0.7 * text.vae.encode(pixels(clip(17)[[0, *range(1, 17, 2)]], SIZE)).latent_dist.mode()
        noisy = rearrange(signal * clean + share * noise(clean, 3), "b c s r w -> b s c r w").float()
        text.transformer(noisy, text.prompt["encoder_hidden_states"], torch.tensor([250]))
    torch.testing.assert_close(found.values[:3].reshape(1, -1, 32), stock[0][0])
    assert not torch.allclose(found.values[3:].reshape(1, -1, 32), stock[0][0])  # the other window


def test_image_to_video_is_shown_frame_0_beside_the_noisy_latents(
    image: CogVideoXExtractor, folders: dict[str, Path]
) -> None:
    stock = CogVideoXImageToVideoPipeline.from_pretrained(folders["image"])
    with torch.no_grad(), watched(image.transformer.transformer_blocks[2]) as blocks:
        found = image.extract(clip(17), [2], Noise(0.0))[2]
        video = pixels(clip(17)[[0, *range(1, 17, 2)]], SIZE)
        clean = stock.vae.encode(video).latent_dist.mode() / 0.7
        shown = torch.zeros_like(clean)
        shown[:, :, :1] = stock.vae.encode(video[:, :, :1]).latent_dist.mode() / 0.7
        positions = stock._prepare_rotary_positional_embeddings(*SIZE, clean.shape[2], CPU)
        image.transformer(
            rearrange(torch.cat([clean, shown], 1), "b c s r w -> b s c r w"),
            image.prompt["encoder_hidden_states"],
            torch.tensor([0.0]),
            image_rotary_emb=positions,
        )
    torch.testing.assert_close(found.values[:3].reshape(1, -1, 32), blocks[-1][0])


def test_frame_0_can_be_hidden(image: CogVideoXExtractor, folders: dict[str, Path]) -> None:
    hidden = build(folders["image"], first_frame=False)
    video = pixels(clip(9), SIZE)
    with torch.no_grad():
        assert not hidden.condition(video, hidden.encode(video)).any()
        assert image.condition(video, image.encode(video))[:, :, 0].any()
        assert not image.condition(video, image.encode(video))[:, :, 1:].any()
    assert hidden.key(2, Noise(0.5)) != image.key(2, Noise(0.5))


def test_nothing_of_later_frames_is_in_what_is_shown_of_frame_0(image: CogVideoXExtractor) -> None:
    changed = clip(9).clone()
    changed[1:] = 255 - changed[1:]
    with torch.no_grad():
        one, other = (
            image.condition(pixels(video, SIZE), image.encode(pixels(video, SIZE))) for video in (clip(9), changed)
        )
    assert torch.equal(one, other)


def test_rotary_positions_are_those_of_the_pipeline(folders: dict[str, Path]) -> None:
    stock = CogVideoXImageToVideoPipeline.from_pretrained(folders["image"])
    for size in (SIZE, (16, 48), (64, 64)):
        wanted = stock._prepare_rotary_positional_embeddings(*size, 3, CPU)
        grid = (3, size[0] // 16, size[1] // 16)
        for one, other in zip(rotary_positions(stock.transformer.config, grid, 1.0, CPU), wanted, strict=True):
            torch.testing.assert_close(one, other)


def test_a_slower_clip_has_wider_positions_in_time(folders: dict[str, Path]) -> None:
    config = CogVideoXImageToVideoPipeline.from_pretrained(folders["image"]).transformer.config
    slow, usual = (rotary_positions(config, (5, 1, 1), scale, CPU)[0] for scale in (2.0, 1.0))
    torch.testing.assert_close(slow[1, :4], usual[2, :4])
    torch.testing.assert_close(slow[:, 4:], usual[:, 4:])


def test_aether_is_given_zeros_for_its_geometry_and_its_camera(folders: dict[str, Path]) -> None:
    found = build(folders["aether"], base=folders["image"], zero_geometry=True, time_scale=1.5)
    inputs: list[torch.Tensor] = []
    handle = found.transformer.register_forward_pre_hook(lambda _module, args: inputs.append(args[0]))
    features = found.extract(clip(17), [2], Noise(0.0))[2]
    handle.remove()
    video, geometry, shown, camera = inputs[0].split([LATENT, LATENT + CAMERA, LATENT, CAMERA], dim=2)
    assert features.values.shape == (6, 2, 3, 32)
    assert video.any()
    assert not geometry.any()
    assert shown[:, 0].any()
    assert not shown[:, 1:].any()
    assert not camera.any()


def test_geometry_is_not_left_out_in_silence(folders: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="set zero_geometry=true"):
        build(folders["aether"], base=folders["image"])


@pytest.mark.parametrize("changed", range(9))
def test_a_frame_changes_the_latents_of_its_slot_and_none_before_it(text: CogVideoXExtractor, changed: int) -> None:
    found = deepcopy(text)
    without_group_norms(found.vae)
    seen = next(k for k, frames in enumerate(found.slots(9)) if changed in frames)
    assert first_changed_slot(found.encode, 9, changed) == seen


def test_two_runs_give_the_same_bytes_and_another_seed_others(image: CogVideoXExtractor) -> None:
    one, again, other = (image.extract(clip(17), [2], Noise(0.5, seed=seed))[2].values for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("frames", [16, 19])
def test_a_clip_that_leaves_frames_over_is_refused(text: CogVideoXExtractor, frames: int) -> None:
    with pytest.raises(ValueError, match=r"leave some of 16 over|takes 1 \+ 4k frames"):
        text.windows(frames)


def test_the_version_that_joins_latents_in_time_is_refused(folders: dict[str, Path], text: CogVideoXExtractor) -> None:
    with pytest.raises(ValueError, match=r"CogVideoX 1\.5"):
        CogVideoXExtractor(
            transformer(LATENT, patch_size_t=2),
            text.vae,
            text.prompt,
            "new",
            SIZE,
            17,
            alphas_cumprod=text.alphas_cumprod,
        )


def test_a_folder_without_a_scheduler_is_refused(tmp_path: Path) -> None:
    folder = cogvideox(tmp_path)
    (folder / "scheduler" / "scheduler_config.json").unlink()
    with pytest.raises(FileNotFoundError, match="no scheduler in"):
        build(folder)
