"""Small random SAM 2 and SAM 3, written in the published layout."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase

import torch
from transformers import (
    CLIPTokenizer,
    Sam2Config,
    Sam2ImageProcessor,
    Sam2Model,
    Sam2Processor,
    Sam2VideoConfig,
    Sam2VideoModel,
    Sam2VideoProcessor,
    Sam2VideoVideoProcessor,
    Sam3ImageProcessor,
    Sam3Model,
    Sam3Processor,
    Sam3TrackerConfig,
    Sam3TrackerModel,
    Sam3TrackerProcessor,
    Sam3TrackerVideoConfig,
    Sam3TrackerVideoModel,
    Sam3TrackerVideoProcessor,
    Sam3VideoConfig,
    Sam3VideoModel,
    Sam3VideoProcessor,
)

WIDTH, MEMORY = 128, 64  # the memory's width is fixed by the stock class; the object's must be a multiple of it
SAM2_SIDE, SAM3_SIDE = 64, 56
SAM2_DRAW = (0.05, 1)  # noise and seed of weights whose masks are neither empty nor full
SAM3_DRAW = (0.1, 1)
_MASK = {"height": 16, "width": 16}
_SMALL = {"hidden_size": WIDTH, "num_attention_heads": 2, "intermediate_size": 32}
_TRACKER = {
    "memory_attention_hidden_size": WIDTH,
    "memory_attention_num_layers": 1,
    "memory_attention_feed_forward_hidden_size": 32,
    "memory_attention_rope_feat_sizes": [4, 4],
    "memory_encoder_hidden_size": WIDTH,
    "memory_encoder_output_channels": MEMORY,
    "mask_downsampler_embed_dim": WIDTH,
    "memory_fuser_num_layers": 1,
    "memory_fuser_embed_dim": WIDTH,
    "memory_fuser_intermediate_dim": 16,
}
_DECODER = {"hidden_size": WIDTH, "mlp_dim": 16, "num_attention_heads": 2, "iou_head_hidden_dim": 16}
_SAM3_VISION = {
    "model_type": "sam3_vision_model",
    "backbone_config": {
        "model_type": "sam3_vit_model",
        "num_hidden_layers": 2,
        "image_size": SAM3_SIDE,
        "patch_size": 14,
        "window_size": 2,
        "global_attn_indexes": [1],
        "pretrain_image_size": 28,
        **_SMALL,
    },
    "fpn_hidden_size": WIDTH,
    "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
}
_SAM3_CLICKS = {
    "vision_config": _SAM3_VISION,
    "prompt_encoder_config": {
        "hidden_size": WIDTH,
        "image_size": SAM3_SIDE,
        "patch_size": 14,
        "mask_input_channels": 8,
    },
    "mask_decoder_config": _DECODER,
}


def write_sam2(folder: Path, video: bool = True) -> Path:
    """Write SAM 2: the published files hold its video model."""
    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "num_attention_heads": 1,
        "image_size": [SAM2_SIDE] * 2,
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 2, 2],
        "window_size_per_stage": [4, 2, 2, 2],
        "global_attention_blocks": [3],
        "window_positional_embedding_background_size": [2, 2],
    }
    parts = {
        "vision_config": {
            "model_type": "sam2_vision_model",
            "backbone_config": backbone,
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": WIDTH,
        },
        "prompt_encoder_config": {
            "hidden_size": WIDTH,
            "image_size": SAM2_SIDE,
            "patch_size": 16,
            "mask_input_channels": 8,
        },
        "mask_decoder_config": _DECODER,
    }
    side = {"height": SAM2_SIDE, "width": SAM2_SIDE}
    pictures = Sam2ImageProcessor(size=side, mask_size=_MASK)
    if video:
        _save(Sam2VideoModel, Sam2VideoConfig(**parts, **_TRACKER), folder, *SAM2_DRAW)
        Sam2VideoProcessor(pictures, Sam2VideoVideoProcessor(size=side)).save_pretrained(folder)
    else:
        _save(Sam2Model, Sam2Config(**parts), folder, *SAM2_DRAW)
        Sam2Processor(pictures).save_pretrained(folder)
    return folder


def write_sam3(folder: Path, video: bool = True) -> Path:
    """Write SAM 3: the published files hold a detector, a tracker, and CLIP's tokenizer."""
    ends = ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = [*ascii_lowercase, *(letter + "</w>" for letter in ascii_lowercase), *ends]
    vocab = {token: number for number, token in enumerate(vocabulary)}
    text = {
        "model_type": "clip_text_model",
        "vocab_size": len(vocab),
        "projection_dim": WIDTH,
        "num_hidden_layers": 1,
        "max_position_embeddings": 32,
        "bos_token_id": vocab[ends[0]],
        "eos_token_id": vocab[ends[1]],
        "pad_token_id": vocab[ends[1]],
        **_SMALL,
    }
    detector = {
        "model_type": "sam3",
        "vision_config": _SAM3_VISION,
        "text_config": text,
        "geometry_encoder_config": {"num_layers": 1, **_SMALL},
        "detr_encoder_config": {"num_layers": 1, **_SMALL},
        "detr_decoder_config": {"num_layers": 1, "num_queries": 5, **_SMALL},
        "mask_decoder_config": {"hidden_size": WIDTH, "num_attention_heads": 2},
    }
    tracker = {"model_type": "sam3_tracker_video", **_SAM3_CLICKS, "image_size": SAM3_SIDE, **_TRACKER}
    side = {"height": SAM3_SIDE, "width": SAM3_SIDE}
    pictures, tokenizer = Sam3ImageProcessor(size=side, mask_size=_MASK), CLIPTokenizer(vocab=vocab, merges=[])
    config = Sam3VideoConfig(detector_config=detector, tracker_config=tracker, low_res_mask_size=16, new_det_thresh=0.5)
    if video:
        _save(Sam3VideoModel, config, folder, *SAM3_DRAW)
        videos = Sam2VideoVideoProcessor(size=side, image_mean=[0.5] * 3, image_std=[0.5] * 3)
        Sam3VideoProcessor(pictures, videos, tokenizer).save_pretrained(folder)
    else:
        _save(Sam3Model, config.detector_config, folder, *SAM3_DRAW)
        Sam3Processor(pictures, tokenizer).save_pretrained(folder)
    return folder


def write_sam3_tracker(folder: Path, video: bool = True) -> Path:
    """Write the tracker of SAM 3 alone, for pictures or videos."""
    side = {"height": SAM3_SIDE, "width": SAM3_SIDE}
    pictures = Sam3ImageProcessor(size=side, mask_size=_MASK)
    if video:
        config = Sam3TrackerVideoConfig(**_SAM3_CLICKS, image_size=SAM3_SIDE, **_TRACKER)
        _save(Sam3TrackerVideoModel, config, folder, *SAM3_DRAW)
        videos = Sam2VideoVideoProcessor(size=side, image_mean=[0.5] * 3, image_std=[0.5] * 3)
        Sam3TrackerVideoProcessor(pictures, videos).save_pretrained(folder)
    else:
        _save(Sam3TrackerModel, Sam3TrackerConfig(**_SAM3_CLICKS), folder, *SAM3_DRAW)
        Sam3TrackerProcessor(pictures).save_pretrained(folder)
    return folder


def _save(kind: type, config: object, folder: Path, noise: float, seed: int) -> None:
    """Save a network whose weights were moved off their start, so that everything has an effect."""
    torch.manual_seed(seed)
    network = kind(config)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.add_(noise * torch.randn_like(weight))
            if "presence_head" in name and name.endswith("layer3.bias"):
                weight.fill_(6.0)  # SAM 3 sees the object of any text
            if "pred_obj_score_head" in name and name.endswith("proj_out.bias"):
                weight.fill_(20.0)  # the object is never hidden
    network.save_pretrained(folder)
