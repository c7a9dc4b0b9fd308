import json
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import interpolate
from transformers import AutoModel

from probes.extractors.images.image import ImageExtractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.image import (
    STATISTICS,
    TIMM,
    siglip,
    timm_encoder,
    transformers_encoder,
)

TOKENS = ["dinov2", "dinov2_with_registers", "dinov3_vit", "siglip_vision_model", "vit", "clip_vision_model"]
SIZE = (24, 40)  # 3 x 5 patches; the encoders are trained on 4 x 4


def video(frames: int = 3) -> torch.Tensor:
    return torch.randint(0, 256, (frames, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def pixels(frames: torch.Tensor, size: tuple[int, int] = SIZE) -> torch.Tensor:
    resized = interpolate(frames.float() / 255, size, mode="bicubic", antialias=True).clamp(0, 1)
    mean, std = (torch.tensor(STATISTICS[name]).view(3, 1, 1) for name in ("image_mean", "image_std"))
    return (resized - mean) / std


def load(folder: Path, size: tuple[int, int] = SIZE, **options: object) -> ImageExtractor:
    return ImageExtractor.from_pretrained(folder, "tiny", size, dtype=torch.float32, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", TOKENS)
def test_a_layer_of_transformers_is_the_hidden_state_behind_its_block(kind: str, tmp_path: Path) -> None:
    folder = transformers_encoder(tmp_path, kind)
    found = load(folder).extract(video(), [0, 2])
    stock = AutoModel.from_pretrained(folder).eval()
    options = {} if kind.startswith("dino") else {"interpolate_pos_encoding": True}
    with torch.no_grad():
        hidden = stock(pixels(video()), output_hidden_states=True, **options).hidden_states
    for layer in (0, 2):
        assert found[layer].values.shape == (3, 3, 5, 24)
        torch.testing.assert_close(found[layer].values.flatten(1, 2), hidden[layer + 1][:, -15:], atol=1e-5, rtol=1e-5)
    assert found[0].slots.frames == ((0,), (1,), (2,))


@pytest.mark.parametrize("kind", ["dinov2", "dinov2_with_registers", "dinov3_vit", "siglip_vision_model", "vit"])
def test_with_the_final_norm_the_last_layer_is_the_last_hidden_state(kind: str, tmp_path: Path) -> None:
    folder = transformers_encoder(tmp_path, kind)
    normed, plain = (load(folder, final_norm=norm).extract(video(), [1, 2]) for norm in (True, False))
    options = {} if kind.startswith("dino") else {"interpolate_pos_encoding": True}
    with torch.no_grad():
        stock = AutoModel.from_pretrained(folder).eval()(pixels(video()), **options).last_hidden_state
    torch.testing.assert_close(normed[2].values.flatten(1, 2), stock[:, -15:], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(normed[2].values, plain[2].values, atol=0.1)
    assert torch.equal(normed[1].values, plain[1].values)


@pytest.mark.parametrize("architecture", ["vit_tiny_patch16_224", "convnext_atto", "swin_tiny_patch4_window7_224"])
def test_a_layer_of_timm_is_the_map_behind_its_block(architecture: str, tmp_path: Path) -> None:
    folder, size = timm_encoder(tmp_path, architecture), (32, 64)
    found = load(folder, size).extract(video(), [0, 1])
    stock = timm.create_model(architecture, **TIMM[architecture], num_classes=5).eval()
    stock.load_state_dict(load_file(folder / "model.safetensors"))
    if hasattr(stock, "set_input_size"):
        stock.set_input_size(img_size=size)
    with torch.no_grad():
        maps = stock.forward_intermediates(pixels(video(), size), norm=False, intermediates_only=True)
    for layer in (0, 1):
        torch.testing.assert_close(found[layer].values, maps[layer].permute(0, 2, 3, 1), atol=1e-5, rtol=1e-5)


def test_of_a_model_of_images_and_text_the_image_encoder_is_read(tmp_path: Path) -> None:
    extractor = load(siglip(tmp_path))
    assert extractor.extract(video(), [2])[2].values.shape == (3, 3, 5, 24)
    assert not any("text" in name for name in extractor.state_dict())


def test_a_convolutional_encoder_is_read_behind_its_stages(tmp_path: Path) -> None:
    found = load(transformers_encoder(tmp_path, "convnext"), (32, 64)).extract(video(), [0, 1])
    assert [found[layer].values.shape for layer in (0, 1)] == [(3, 8, 16, 12), (3, 4, 8, 24)]


def test_a_changed_frame_changes_its_slot_alone(tmp_path: Path) -> None:
    extractor = load(transformers_encoder(tmp_path, "dinov2"), batch=2)
    changed = video(5)
    changed[3] = 255 - changed[3]
    one, other = (extractor.extract(frames, [2])[2] for frames in (video(5), changed))
    assert [slot for slot in range(5) if not torch.equal(one.values[slot], other.values[slot])] == [3]
    assert one.slots.slots_of([3]) == [3]


def test_batches_change_no_features(tmp_path: Path) -> None:
    folder = transformers_encoder(tmp_path, "dinov2")
    one, other = (load(folder, batch=batch).extract(video(5), [2])[2].values for batch in (2, 16))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)  # matrix products of other sizes


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    folder = transformers_encoder(tmp_path, "dinov2")
    one, other = load(folder), load(folder)
    assert torch.equal(one.extract(video(), [2])[2].values, other.extract(video(), [2])[2].values)
    assert one.key(2) == other.key(2) != load(folder, final_norm=True).key(2)


def test_pixels_are_normalised_as_for_imagenet_where_the_checkpoint_does_not_say(tmp_path: Path) -> None:
    folder = transformers_encoder(tmp_path, "dinov2")
    (folder / "preprocessor_config.json").unlink()
    found = load(folder).statistics
    torch.testing.assert_close(found, torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]))


def test_a_layer_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no layer 3: its blocks are 0 to 2"):
        load(transformers_encoder(tmp_path, "dinov2")).extract(video(), [3])


def test_a_noise_level_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="takes no noise level"):
        load(transformers_encoder(tmp_path, "dinov2")).extract(video(), [0], Noise(0.5))


def test_a_size_that_the_patch_does_not_divide_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="its patch of 8 divides"):
        load(transformers_encoder(tmp_path, "dinov2"), (24, 42))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no config\.json in"):
        load(tmp_path)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    folder = transformers_encoder(tmp_path, "dinov2")
    (folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match="is incomplete") as error:
        load(folder)
    assert "\n" not in str(error.value)


def test_a_model_that_transformers_does_not_know_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "dinov9"}))
    with pytest.raises(ValueError, match="holds a model that transformers does not know") as error:
        load(tmp_path)
    assert "\n" not in str(error.value)


def test_weights_that_lack_a_parameter_are_refused(tmp_path: Path) -> None:
    folder = transformers_encoder(tmp_path, "dinov2")
    weights = load_file(folder / "model.safetensors")
    del weights[next(key for key in weights if "mlp.fc1" in key)]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match="has no weights for 1 parameters of its model"):
        load(folder)


def test_an_encoder_without_a_list_of_blocks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ResNet keeps its blocks under none of the known names"):
        load(timm_encoder(tmp_path, "resnet10t"), (32, 64))


def test_an_encoder_of_lists_of_patches_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="takes lists of patches"):
        load(transformers_encoder(tmp_path, "siglip2_vision_model"))


def test_a_final_norm_that_is_not_of_patches_is_refused(tmp_path: Path) -> None:
    pooled = timm_encoder(tmp_path / "timm", "vit_tiny_patch16_224", global_pool="avg", class_token=False, reg_tokens=0)
    with pytest.raises(ValueError, match="has no norm after its last block"):
        load(pooled, (32, 64), final_norm=True)
    with pytest.raises(ValueError, match="leave final_norm out"):
        load(transformers_encoder(tmp_path / "clip", "clip_vision_model"), final_norm=True).extract(video(), [2])
