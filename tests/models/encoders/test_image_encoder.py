"""Image encoders: stock classes of transformers and timm, all as maps of features."""

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModel

from models.encoders import ImageEncoder

VIT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 32}
TIMM_VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 3, "num_heads": 2, "reg_tokens": 2}
ENCODERS: dict[str, tuple[dict[str, Any], int]] = {
    "siglip": ({"model_type": "siglip_vision_model", **VIT, "patch_size": 8, "vision_use_head": False}, 8),
    "clip": ({"model_type": "clip_vision_model", **VIT, "patch_size": 8}, 8),
    "vit with a class token": ({"model_type": "vit", **VIT, "patch_size": 8}, 8),
    "dinov2 with registers": ({"model_type": "dinov2_with_registers", **VIT, "patch_size": 8}, 8),
    "convnext": ({"model_type": "convnext", "num_stages": 2, "hidden_sizes": [12, 24], "depths": [1, 1]}, 8),
    "timm vit": (
        {"model_type": "timm_wrapper", "architecture": "vit_tiny_patch16_224", "model_args": TIMM_VIT},
        8,
    ),
    "timm resnet": ({"model_type": "timm_wrapper", "architecture": "resnet10t", "do_pooling": False}, 32),
    "timm swin": (
        {
            "model_type": "timm_wrapper",
            "architecture": "swin_tiny_patch4_window7_224",
            "model_args": {"img_size": 32, "window_size": 4, "embed_dim": 12, "depths": (1, 1), "num_heads": (1, 1)},
        },
        8,
    ),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_gives_its_grid_of_features(name: str) -> None:
    options, stride = ENCODERS[name]
    torch.manual_seed(0)
    encoder = ImageEncoder(AutoConfig.for_model(**options), stride)
    assert encoder(torch.rand(2, 3, 32, 32)).shape == (2, 32 // stride, 32 // stride, encoder.channels)


@pytest.mark.parametrize("select_layer", [-2, -3])
@pytest.mark.parametrize("name", ["siglip", "clip", "vit with a class token", "dinov2 with registers", "timm vit"])
def test_an_earlier_hidden_state_is_that_of_the_stock_class(name: str, select_layer: int) -> None:
    options, stride = ENCODERS[name]
    torch.manual_seed(0)
    stock = AutoModel.from_config(AutoConfig.for_model(**options)).eval()
    encoder = ImageEncoder(AutoConfig.for_model(**options), stride, select_layer).eval()
    assert not encoder.model.load_state_dict(stock.state_dict(), strict=False).missing_keys
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        expected = stock(images, output_hidden_states=True).hidden_states[select_layer]
        features = encoder(images)
    if expected.ndim == 3:
        assert torch.equal(features.flatten(1, 2), expected[:, expected.shape[1] - 16 :])
    else:
        assert torch.equal(features, expected.permute(0, 2, 3, 1))


def test_what_follows_the_hidden_state_is_neither_kept_nor_computed() -> None:
    options, stride = ENCODERS["siglip"]
    encoder = ImageEncoder(AutoConfig.for_model(**options), stride, select_layer=-2)
    assert encoder.cut == ("post_layernorm.", "encoder.layers.1.")
    assert not [name for name in encoder.model.state_dict() if name.startswith(encoder.cut)]
    with pytest.raises(ValueError, match="hidden states -1 to -3"):
        ImageEncoder(AutoConfig.for_model(**options), stride, select_layer=-4)


@pytest.mark.parametrize("name", ENCODERS)
def test_every_trainable_parameter_gets_a_gradient(name: str) -> None:
    """Plain DDP needs this."""
    options, stride = ENCODERS[name]
    encoder = ImageEncoder(AutoConfig.for_model(**options), stride)
    encoder(torch.rand(2, 3, 32, 32)).sum().backward()
    assert not [name for name, p in encoder.named_parameters() if p.requires_grad and p.grad is None]


def test_tokens_are_laid_out_row_by_row_without_the_class_token() -> None:
    options, stride = ENCODERS["vit with a class token"]
    encoder = ImageEncoder(AutoConfig.for_model(**options), stride).eval()
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        tokens = encoder.model(images).last_hidden_state
        assert torch.equal(encoder(images)[0, 1, 2], tokens[0, 1 + 1 * 4 + 2])


def test_a_wrong_stride_is_named() -> None:
    options, _ = ENCODERS["convnext"]
    with pytest.raises(ValueError, match="stride 4 promises 8 x 8"):
        ImageEncoder(AutoConfig.for_model(**options), 4)(torch.rand(1, 3, 32, 32))
