"""Configuration of an SR-3D model."""

from __future__ import annotations

import math
from typing import Any, Literal

from transformers import AutoConfig, PretrainedConfig

REGIONGPT_GRID = 27  # rows, and columns, of the features that reach its projector, whatever the tower
TINY_VISION = {"model_type": "convnext", "num_stages": 1, "patch_size": 4, "hidden_sizes": [64], "depths": [3]}
TINY_TEXT = {
    "model_type": "qwen2",
    "hidden_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "intermediate_size": 512,
    "vocab_size": 512,
    "max_position_embeddings": 4096,
}
CHOICES = {
    "projector": ("linear", "mlp", "pool", "downsample_2x2", "downsample_2x2_columns", "downsample_3x3"),
    "timestamp_encoding": ("none", "before_projector", "after_projector"),
    "scale": ("none", "token", "metric"),
    "region_pool": ("pixel", "frame_mean", "trajectory", "regiongpt"),
    "pe_oversample": (1, 2, 4),
}


class SR3DConfig(PretrainedConfig):
    """Configuration of an SR-3D model; the defaults are the tiny model.

    Args:
        vision_config: Config, or dict with its `model_type`, of any transformers image encoder; timm encoders by
            `{"model_type": "timm_wrapper", "architecture": name, "model_args": {...}}`.
        text_config: Config, or dict with its `model_type`, of any transformers causal language model.
        tile_size: Side of a tile (and of a video frame) in pixels.
        stride: Pixels per token of the encoder.
        select_layer: Hidden state of the encoder to use; -1 is its output, NVILA uses -2.
        projector: "linear", "mlp", "pool" (means of `projector_factor` x `projector_factor` tokens, then the MLP), or
            "downsample_2x2" or "downsample_3x3" (VILA's `mlp_downsample_2x2_fix`, `mlp_downsample_3x3_fix`);
            "downsample_2x2_columns" lists the tokens column by column (`mlp_downsample` of VILA 1.5).
        projector_factor: Used by "pool".
        grid_encoding: Add image positions to the features, for encoders without their own (convolutional ones).
        position_encoding: Add the 3D position encoding; False is the 2D model.
        pe_frequencies: Frequencies per axis; None for a sixth of the encoder's width.
        pe_max_frequency: Highest frequency in radians per canonical unit; the lowest is pi / 2.
        pe_width: Hidden units of the MLP behind the sinusoids; None for the encoder's width.
        pe_oversample: Encode positions on a grid this much finer than the tokens, then average.
        timestamp_encoding: "none", "before_projector" or "after_projector".
        timestamp_base: T of the timestamp encoding.
        timestamp_gain: Amplitude of the timestamp encoding.
        timestamp_frequency: Its highest frequency, rad/s; published: 1.
        timestamp_log_from: Seconds from which it is logarithmic; None for linear, as published.
        scale: How metres reach the model: "none", "token" (one token encodes the scene scale), "metric" (the
            processor normalises by a fixed length).
        camera_token: One token per frame; in a 3D model it carries the position of the camera.
        region_pool: "pixel" weighs frames by area, "frame_mean" weighs them equally, "trajectory" keeps them apart;
            "regiongpt" is SpatialRGPT's region extractor, for one picture (`models.sr3d.regiongpt`).
        region_width: Hidden units of the MLP from a pooled region to its token; None for the language model's width.
        region_mask_encoding: Give a region token the place and size of its mask beside the features under it
            (`models.sr3d.encodings.mask_encoding`).
        region_motion_encoding: Give it the optical flow under its masks and around them, and how that expands
            ("trajectory" alone; see `models.sr3d.encodings.motion_encoding`).
        region_extractor_trained: Whether region tokens mean something; else regions are drawn on the frames
            (`models.sr3d.answering`).
        image_token_id: Placeholder of a visual token. Placeholders may lie outside the language model's vocabulary.
        region_token_id: Placeholder of a region.
        camera_token_id: Placeholder of a camera token.
        scale_token_id: Placeholder of the scale token.
        depth_token_id: Placeholder of a region in the depth picture ("regiongpt"); None for a model without one.
        pad_token_id: Of the tokenizer, for `generate`.
        eos_token_id: Ends an answer, for `generate`.
        **kwargs: See `transformers.PretrainedConfig`.
    """

    model_type = "sr3d"
    sub_configs = {"vision_config": AutoConfig, "text_config": AutoConfig}  # noqa: RUF012

    def __init__(
        self,
        vision_config: PretrainedConfig | dict[str, Any] | None = None,
        text_config: PretrainedConfig | dict[str, Any] | None = None,
        tile_size: int = 64,
        stride: int = 4,
        select_layer: int = -1,
        projector: str = "pool",
        projector_factor: int = 8,
        grid_encoding: bool = False,
        position_encoding: bool = True,
        pe_frequencies: int | None = None,
        pe_max_frequency: float = 8 * math.pi,
        pe_width: int | None = None,
        pe_oversample: int = 1,
        timestamp_encoding: str = "none",
        timestamp_base: float = 1e4,
        timestamp_gain: float = 1.0,
        timestamp_frequency: float = 1.0,
        timestamp_log_from: float | None = None,
        scale: str = "token",
        camera_token: bool = True,
        region_pool: Literal["pixel", "frame_mean", "trajectory", "regiongpt"] = "pixel",
        region_width: int | None = None,
        region_mask_encoding: bool = False,
        region_motion_encoding: bool = False,
        region_extractor_trained: bool = True,
        image_token_id: int = 3,
        region_token_id: int = 4,
        camera_token_id: int = 5,
        scale_token_id: int = 6,
        depth_token_id: int | None = None,
        pad_token_id: int = 0,
        eos_token_id: int | list[int] = 1,
        **kwargs: Any,
    ) -> None:
        self.vision_config = _sub_config(vision_config or TINY_VISION)
        self.text_config = _sub_config(text_config or TINY_TEXT)
        self.tile_size = tile_size
        self.stride = stride
        self.select_layer = select_layer
        self.projector = projector
        self.projector_factor = projector_factor
        self.grid_encoding = grid_encoding
        self.position_encoding = position_encoding
        self.pe_frequencies = pe_frequencies
        self.pe_max_frequency = pe_max_frequency
        self.pe_width = pe_width
        self.pe_oversample = pe_oversample
        self.timestamp_encoding = timestamp_encoding
        self.timestamp_base = timestamp_base
        self.timestamp_gain = timestamp_gain
        self.timestamp_frequency = timestamp_frequency
        self.timestamp_log_from = timestamp_log_from
        self.scale = scale
        self.camera_token = camera_token
        self.region_pool = region_pool
        self.region_width = region_width
        self.region_mask_encoding = region_mask_encoding
        self.region_motion_encoding = region_motion_encoding
        self.region_extractor_trained = region_extractor_trained
        self.image_token_id = image_token_id
        self.region_token_id = region_token_id
        self.camera_token_id = camera_token_id
        self.scale_token_id = scale_token_id
        self.depth_token_id = depth_token_id
        self.pad_token_id = pad_token_id
        self.eos_token_id = eos_token_id
        for name, options in CHOICES.items():
            if getattr(self, name) not in options:
                raise ValueError(f"{name}={getattr(self, name)!r} is unknown: choose one of {options}")
        if timestamp_log_from is not None and timestamp_log_from <= 0:
            raise ValueError(f"timestamp_log_from={timestamp_log_from} must be a time above 0 s, or null")
        if region_motion_encoding and region_pool != "trajectory":
            raise ValueError(f"region_motion_encoding needs region_pool='trajectory', not {region_pool!r}")
        if region_mask_encoding and region_pool == "regiongpt":
            raise ValueError("region_pool='regiongpt' is a published extractor: leave region_mask_encoding=false")
        if tile_size % stride:
            raise ValueError(f"tile_size {tile_size} is not a multiple of stride {stride}")
        kwargs.setdefault("tie_word_embeddings", self.text_config.tie_word_embeddings)
        super().__init__(**kwargs)

    @property
    def grid(self) -> int:
        """Rows, and columns, of encoder features per tile."""
        return int(self.tile_size // self.stride)

    @property
    def token_grid(self) -> int:
        """Rows, and columns, of visual tokens per tile, after the projector."""
        two = {"downsample_2x2": 2, "downsample_2x2_columns": 2}
        factor = {"pool": self.projector_factor, **two, "downsample_3x3": 3}.get(self.projector, 1)
        return -(-(REGIONGPT_GRID if self.region_pool == "regiongpt" else self.grid) // factor)


def _sub_config(config: PretrainedConfig | dict[str, Any]) -> PretrainedConfig:
    return config if isinstance(config, PretrainedConfig) else AutoConfig.for_model(**config)


AutoConfig.register(SR3DConfig.model_type, SR3DConfig, exist_ok=True)
