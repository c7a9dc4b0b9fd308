from copy import deepcopy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from probes.extractors.diffusion.open_sora import OpenSoraExtractor, pack
from probes.extractors.noise import Noise
from tests.support.checkpoints.open_sora import open_sora
from tests.support.checkpoints.open_sora_reference import forward
from tests.support.clips.extractor_clips import clip, first_changed_slot, noise, pixels, watched, without_group_norms

SIZE = (32, 48)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return open_sora(tmp_path_factory.mktemp("open_sora"))


@pytest.fixture(scope="module")
def extractor(folder: Path) -> OpenSoraExtractor:
    return OpenSoraExtractor.from_pretrained(folder, "open_sora", SIZE, frames=9, dtype=torch.float32)


def test_features_lie_on_the_grid_of_latents_and_name_their_frames(extractor: OpenSoraExtractor) -> None:
    found = extractor.extract(clip(9), [0, 3], Noise(0.5))
    assert found[3].values.shape == (3, 2, 3, 64)
    assert found[3].slots.frames == ((0,), (1, 2, 3, 4), (5, 6, 7, 8))


def test_of_the_published_clip_of_129_frames_81_are_kept(extractor: OpenSoraExtractor) -> None:
    assert len(extractor.windows(129)[0]) == 129
    assert [slot[-1] for slot in extractor.slots(129)] == [0, *range(4, 81, 4)]


def test_the_features_that_are_kept_have_seen_the_whole_clip(extractor: OpenSoraExtractor) -> None:
    fewer = deepcopy(extractor)
    fewer.keep_slots = 2
    changed = clip(9).clone()
    changed[8] = 255 - changed[8]
    whole, some, other = (
        x.extract(video, [3], Noise(0.5))[3] for x, video in ((extractor, clip(9)), (fewer, clip(9)), (fewer, changed))
    )
    assert some.slots.frames == whole.slots.frames[:2]
    assert torch.equal(some.values, whole.values[:2])
    assert not torch.equal(other.values, some.values)
    assert extractor.key(3, Noise(0.5)) != fewer.key(3, Noise(0.5))


@pytest.mark.parametrize("layer", range(4))
@torch.no_grad()
def test_features_are_what_the_block_gives_in_the_stock_forward(extractor: OpenSoraExtractor, layer: int) -> None:
    found = extractor.extract(clip(9), [layer], Noise(0.25, seed=3))[layer]
    model, video = extractor.transformer, pixels(clip(9), SIZE)
    block = [*model.transformer_blocks, *model.single_transformer_blocks][layer]
    clean = extractor.vae.encode(video).latent_dist.mode() * 0.476986
    shown = torch.zeros(1, 5, *clean.shape[2:])
    shown[:, 0, 0] = 1
    shown[:, 1:, :1] = extractor.vae.encode(video[:, :, :1]).latent_dist.mode() * 0.476986
    with watched(block) as stock:
        model(
            torch.cat([pack(0.75 * clean + 0.25 * noise(clean, 3)), pack(shown)], -1),
            timestep=torch.tensor([0.25]),
            img_ids=torch.cartesian_prod(torch.arange(3), torch.arange(2), torch.arange(3)),
            txt_ids=torch.zeros(512, 3),
            **extractor.prompt,
        )
    assert torch.equal(found.values.reshape(1, -1, 64), stock[0][1])


@torch.no_grad()
def test_features_are_those_of_the_published_equations(extractor: OpenSoraExtractor, folder: Path) -> None:
    found = extractor.extract(clip(9), range(4), Noise(0.764))
    video = pixels(clip(9), SIZE)
    clean = extractor.encode(video)
    wanted, _ = forward(
        load_file(folder / "Open_Sora_v2.safetensors"),
        pack(0.236 * clean + 0.764 * noise(clean, 0)),
        pack(extractor.condition(video, clean)),
        *extractor.prompt.values(),
        0.764,
        torch.cartesian_prod(torch.arange(3), torch.arange(2), torch.arange(3)),
    )
    for layer, tokens in enumerate(wanted):
        # float32, through four blocks
        torch.testing.assert_close(found[layer].values.reshape(1, -1, 64), tokens, rtol=1e-3, atol=1e-3)


def test_frame_0_is_shown_alone_or_not_at_all(extractor: OpenSoraExtractor) -> None:
    hidden = deepcopy(extractor)
    hidden.first_frame = False
    changed = clip(9).clone()
    changed[1:] = 255 - changed[1:]
    with torch.no_grad():
        one, other = (
            extractor.condition(pixels(video, SIZE), extractor.encode(pixels(video, SIZE)))
            for video in (clip(9), changed)
        )
        nothing = hidden.condition(pixels(clip(9), SIZE), extractor.encode(pixels(clip(9), SIZE)))
    assert torch.equal(one, other)
    assert one[:, :, 0].any()
    assert not one[:, :, 1:].any()
    assert not nothing.any()
    assert hidden.key(3, Noise(0.5)) != extractor.key(3, Noise(0.5))


def test_patches_are_packed_channel_first_then_row_then_column() -> None:
    latents = torch.arange(16.0).view(1, 2, 1, 2, 4)
    assert pack(latents)[0].tolist() == [[0, 1, 4, 5, 8, 9, 12, 13], [2, 3, 6, 7, 10, 11, 14, 15]]


@pytest.mark.parametrize("changed", [0, 1, 4, 5, 16, 17, 20])
def test_a_frame_changes_the_latents_of_its_slot_and_none_before_it(extractor: OpenSoraExtractor, changed: int) -> None:
    found = deepcopy(extractor)
    without_group_norms(found.vae)
    seen = next(k for k, slot in enumerate(found.slots(21)) if changed in slot)
    assert first_changed_slot(found.encode, 21, changed) == seen


def test_two_runs_give_the_same_bytes_and_another_seed_others(extractor: OpenSoraExtractor) -> None:
    one, again, other = (extractor.extract(clip(9), [2], Noise(0.5, seed=seed))[2].values for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("part", ["hunyuan_vae.safetensors", "google/t5-v1_1-xxl/config.json"])
def test_a_missing_file_is_named(tmp_path: Path, part: str) -> None:
    folder = open_sora(tmp_path)
    (folder / part).unlink()
    with pytest.raises(FileNotFoundError, match=f"no {part} in"):
        OpenSoraExtractor.from_pretrained(folder, "open_sora")
