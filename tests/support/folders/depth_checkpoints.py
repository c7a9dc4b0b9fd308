"""Small random depth models of transformers, written in the published layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from transformers import (
    BeitConfig,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    DepthProConfig,
    DepthProForDepthEstimation,
    DepthProImageProcessor,
    Dinov2Config,
    DPTConfig,
    DPTForDepthEstimation,
    DPTImageProcessor,
    GLPNConfig,
    GLPNForDepthEstimation,
    GLPNImageProcessor,
    PromptDepthAnythingConfig,
    PromptDepthAnythingForDepthEstimation,
    PromptDepthAnythingImageProcessor,
    ZoeDepthConfig,
    ZoeDepthForDepthEstimation,
    ZoeDepthImageProcessor,
)

STAGES = ["stage1", "stage2", "stage3", "stage4"]
NECK = {"neck_hidden_sizes": [8, 16, 16, 16], "fusion_hidden_size": 16}
SIZE_56 = {"height": 56, "width": 56}


def write_depth_anything(folder: Path, output: str) -> None:
    """Write Depth Anything V2; `output` is "relative" or "metric"."""
    config = DepthAnythingConfig(
        backbone_config=_dinov2(),
        reassemble_hidden_size=32,
        head_hidden_size=8,
        depth_estimation_type=output,
        max_depth=20 if output == "metric" else 1,
        **NECK,
    )
    network = DepthAnythingForDepthEstimation(config)
    _enliven(network.neck, network.head)
    network.head.conv3.weight.data.abs_()  # otherwise the last ReLU may give 0 everywhere
    network.save_pretrained(folder)
    DPTImageProcessor(
        size=SIZE_56,
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(folder)


def write_depth_pro(folder: Path) -> None:
    """Write Depth Pro, which estimates a field of view of about 50 degrees."""
    encoder = {
        "model_type": "dinov2",
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 4,
        "mlp_ratio": 2,
    }
    config = DepthProConfig(
        fusion_hidden_size=8,
        patch_size=32,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[8, 8],
        scaled_images_ratios=[0.5, 1.0],
        scaled_images_overlap_ratios=[0.0, 0.2],
        scaled_images_feature_dims=[8, 8],
        use_fov_model=True,
        image_model_config=encoder,
        patch_model_config=encoder,
        fov_model_config=encoder,
    )
    network = DepthProForDepthEstimation(config)
    _enliven(network.head)
    for layer in network.head.layers:  # otherwise the last ReLU may give 0 everywhere
        if isinstance(layer, nn.Conv2d):
            layer.weight.data.abs_()
    [*_, last] = [layer for layer in network.fov_model.modules() if isinstance(layer, nn.Conv2d)]
    last.bias.data.fill_(50)
    network.save_pretrained(folder)
    DepthProImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)


def write_dpt(folder: Path) -> None:
    """Write DPT (MiDaS)."""
    config = DPTConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=64,
        backbone_out_indices=[0, 1, 2, 3],
        **NECK,
    )
    network = DPTForDepthEstimation(config)
    _enliven(network.neck, network.head)
    [*_, last] = [layer for layer in network.head.modules() if isinstance(layer, nn.Conv2d)]
    last.weight.data.abs_()
    network.save_pretrained(folder)
    DPTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(folder)


def write_glpn(folder: Path) -> None:
    """Write GLPN."""
    config = GLPNConfig(
        hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=8
    )
    network = GLPNForDepthEstimation(config)
    _enliven(network.decoder, network.head)
    network.save_pretrained(folder)
    GLPNImageProcessor().save_pretrained(folder)


def write_prompt_depth_anything(folder: Path) -> None:
    """Write Prompt Depth Anything."""
    config = PromptDepthAnythingConfig(backbone_config=_dinov2(), reassemble_hidden_size=32, head_hidden_size=8, **NECK)
    network = PromptDepthAnythingForDepthEstimation(config)
    _enliven(network.neck, network.head)
    network.head.conv3.weight.data.abs_()
    network.save_pretrained(folder)
    PromptDepthAnythingImageProcessor(size=SIZE_56, keep_aspect_ratio=True, ensure_multiple_of=14).save_pretrained(
        folder
    )


def write_zoedepth(folder: Path) -> None:
    """Write ZoeDepth."""
    backbone = BeitConfig(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=96,
        out_features=STAGES,
        reshape_hidden_states=False,
        use_relative_position_bias=True,
    )
    config = ZoeDepthConfig(
        backbone_config=backbone,
        bottleneck_features=16,
        num_relative_features=8,
        bin_configurations=[{"n_bins": 8, "min_depth": 0.001, "max_depth": 10.0, "name": "nyu"}],
        bin_embedding_dim=16,
        num_attractors=[4, 2, 2, 1],
        **NECK,
    )
    network = ZoeDepthForDepthEstimation(config)
    _enliven(network)
    network.save_pretrained(folder)
    ZoeDepthImageProcessor(size={"height": 96, "width": 128}).save_pretrained(folder)


WRITERS: dict[str, Callable[[Path], None]] = {
    "depth_anything-relative": lambda folder: write_depth_anything(folder, "relative"),
    "depth_anything-metric": lambda folder: write_depth_anything(folder, "metric"),
    "depth_pro": write_depth_pro,
    "dpt": write_dpt,
    "glpn": write_glpn,
    "prompt_depth_anything": write_prompt_depth_anything,
    "zoedepth": write_zoedepth,
}
RELATIVE = ("depth_anything-relative", "dpt")


def write_depth_model(kind: str, folder: Path) -> Path:
    """Write the random model of one of `WRITERS`, the same one every time."""
    torch.manual_seed(0)
    WRITERS[kind](folder)
    return folder


def _dinov2() -> Dinov2Config:
    return Dinov2Config(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=56,
        out_features=STAGES,
        reshape_hidden_states=False,
    )


def _enliven(*modules: nn.Module) -> None:
    """Draw larger weights: those of the stock initialisation give a constant map."""
    for weight in (weight for module in modules for weight in module.parameters() if weight.ndim > 1):
        nn.init.kaiming_normal_(weight)
