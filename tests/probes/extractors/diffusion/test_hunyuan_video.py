from copy import deepcopy
from pathlib import Path

import pytest
import torch

from probes.extractors.diffusion.hunyuan_video import HunyuanVideoExtractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.hunyuan_video import hunyuan_video, transformer
from tests.support.clips.extractor_clips import clip, first_changed_slot, noise, pixels, watched, without_group_norms

SIZE = (32, 48)


@pytest.fixture(scope="module")
def extractor(tmp_path_factory: pytest.TempPathFactory) -> HunyuanVideoExtractor:
    folder = hunyuan_video(tmp_path_factory.mktemp("hunyuan_video"))
    return HunyuanVideoExtractor.from_pretrained(folder, "hunyuan", SIZE, frames=9, dtype=torch.float32)


def test_features_lie_on_the_grid_of_latents_and_name_their_frames(extractor: HunyuanVideoExtractor) -> None:
    found = extractor.extract(clip(9), [0, 3], Noise(0.5))
    assert found[3].values.shape == (3, 2, 3, 32)
    assert found[3].slots.frames == ((0,), (1, 2, 3, 4), (5, 6, 7, 8))
    assert found[3].values.isfinite().all()


@pytest.mark.parametrize("layer", range(4))
def test_features_are_what_the_block_gives_in_the_stock_forward(extractor: HunyuanVideoExtractor, layer: int) -> None:
    found = extractor.extract(clip(9), [layer], Noise(0.25, seed=3))[layer]
    model = extractor.transformer
    block = model.transformer_blocks[layer] if layer < 2 else model.single_transformer_blocks[layer - 2]
    with torch.no_grad(), watched(block) as stock:
        clean = extractor.vae.encode(pixels(clip(9), SIZE)).latent_dist.mode() * 0.476986
        noisy = 0.75 * clean + 0.25 * noise(clean, 3)
        model(noisy, torch.tensor([250.0]), guidance=torch.tensor([1000.0]), **extractor.prompt)
    assert torch.equal(found.values.reshape(1, -1, 32), stock[0][0])


def test_the_guidance_scale_is_told_where_it_was_distilled(extractor: HunyuanVideoExtractor) -> None:
    more = deepcopy(extractor)
    more.guidance = 6.0
    one, other = (x.extract(clip(9), [3], Noise(0.5))[3].values for x in (extractor, more))
    assert not torch.equal(one, other)
    assert extractor.key(3, Noise(0.5)) != more.key(3, Noise(0.5))


@pytest.mark.parametrize("changed", [0, 1, 4, 5, 12, 13, 16, 20])
def test_a_frame_changes_the_latents_of_its_slot_and_none_before_it(
    extractor: HunyuanVideoExtractor, changed: int
) -> None:
    found = deepcopy(extractor)
    without_group_norms(found.vae)
    frames = 21  # more than the autoencoder takes at a time
    seen = next(k for k, slot in enumerate(found.slots(frames)) if changed in slot)
    assert first_changed_slot(found.encode, frames, changed) == seen


def test_two_runs_give_the_same_bytes_and_another_seed_others(extractor: HunyuanVideoExtractor) -> None:
    one, again, other = (extractor.extract(clip(9), [2], Noise(0.5, seed=seed))[2].values for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_clip_that_is_not_one_frame_and_fours_is_refused(extractor: HunyuanVideoExtractor) -> None:
    with pytest.raises(ValueError, match=r"takes 1 \+ 4k frames, got 8"):
        extractor.windows(8)


def test_an_image_to_video_checkpoint_is_refused(extractor: HunyuanVideoExtractor) -> None:
    model = transformer(image_condition_type="token_replace")
    with pytest.raises(ValueError, match="image-to-video"):
        HunyuanVideoExtractor(model, extractor.vae, extractor.prompt, "image", SIZE)


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = hunyuan_video(tmp_path)
    config = folder / "transformer" / "config.json"
    config.write_text(config.read_text().replace("HunyuanVideoTransformer3DModel", "WanTransformer3DModel"))
    with pytest.raises(ValueError, match="holds a WanTransformer3DModel"):
        HunyuanVideoExtractor.from_pretrained(folder, "hunyuan")
