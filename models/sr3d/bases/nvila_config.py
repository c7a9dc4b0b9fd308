"""The fields of a VILA `config.json`: each is read, has no effect on answers, or must have the one value known here.

Source: `LlavaConfig` and its users in github.com/NVlabs/VILA, and those of its forks AnjieCheng/SpatialRGPT and
NVlabs/4D-RGPT.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROJECTORS = {
    "mlp_downsample_3x3_fix": "downsample_3x3",
    "mlp_downsample_2x2_fix": "downsample_2x2",
    "mlp_downsample": "downsample_2x2",
    "mlp2x_gelu": "mlp",
    "linear": "linear",
}
READ = {
    "enable_depth": "a second token a region, from a depth picture (SpatialRGPT)",
    "enable_region": "RegionGPT's region extractor (SpatialRGPT)",
    "hidden_size": "width of the language model, checked",
    "image_aspect_ratio": "`dynamic` cuts a single picture into tiles, `resize` does not",
    "image_encoder": "text after each tile",
    "max_tiles": "largest number of tiles of a picture",
    "mm_hidden_size": "width of the vision tower, checked",
    "mm_projector_cfg": "its type, where `mm_projector/config.json` has none",
    "mm_vision_select_layer": "hidden state of the vision tower",
    "num_video_frames": "frames of a video that is given as a file",
    "use_time_pe": "timestamp encoding (4D-RGPT)",
    "video_encoder": "text after each frame",
}
FIXED: dict[str, tuple[Any, ...]] = {  # the first value is what a missing field means
    "chat_template": (None,),
    "dynamic_s2": (False, None),
    "enable_depth": (False, True, None),
    "enable_region": (False, True, None),
    "fps": (0, None),
    "high_res_pos_embed": (False, None),
    "image_aspect_ratio": ("dynamic", "resize"),
    "min_tiles": (1, None),
    "mm_use_im_start_end": (False, None),
    "mm_vision_select_feature": ("cls_patch", None),
    "num_time_tokens": (0, None),
    "ps3": (False, None),
    "s2": (False, None),
    "time_token_ids": ([], None),
    "use_time_pe": (False, True, None),
    "video_max_tiles": (1, None),
    "vision_resolution": (-1, None),
}
DISTILLATION = {"disable_distillation", "distill_tasks", "ed_weights", "ld_weight"}  # training of 4D-RGPT
UNUSED = {  # training, bookkeeping, copies of the parts' own configs, and settings of what FIXED has off
    *("architectures", "model_type", "model_dtype", "torch_dtype", "transformers_version", "resume_path", "version"),
    *("llm_cfg", "vision_tower_cfg", "drop_path_rate", "soft_ce_std", "interpolate_mode", "mm_use_im_patch_token"),
    *("mm_projector_lr", "vision_tower_lr", "tune_language_model", "tune_mm_projector", "tune_vision_tower"),
    *("s2_scales", "s2_max_split_size", "s2_resize_output_to_scale_idx", "time_token_format", "use_cache"),
    *("look_close_mode", "num_look_close", "num_token_look_close", "top_down_prompt_head_type"),
    *("ps3_dynamic_aspect_ratio", "mm_low_res_token_num", "mm_scale_num"),
    *("region_extractor_cfg", "tune_region_extractor", *DISTILLATION),
}
ENCODERS = {"image_encoder": "BasicImageEncoder", "video_encoder": "BasicVideoEncoder"}


DURATION_LINE = "These images are uniformly sampled from a video of {} seconds.\n"  # of 4D-RGPT's evaluation


@dataclass(frozen=True)
class NvilaConfig:
    """What a VILA `config.json` says, in the words of `SR3DConfig` and `SR3DProcessor`.

    `regions` and `depth` are SpatialRGPT's, `timestamps` and `duration_line` 4D-RGPT's.
    """

    projector: str
    select_layer: int
    max_tiles: int
    tile_text: str
    tile_suffix: tuple[str, ...]
    frame_suffix: tuple[str, ...]
    video_frames: int
    regions: bool = False
    depth: bool = False
    timestamps: bool = False
    duration_line: str = ""


def read_nvila_config(
    top: Mapping[str, Any], projector: Mapping[str, Any], tower_width: int, width: int, language: str = "qwen2"
) -> NvilaConfig:
    """Read the config of a folder and of its projector.

    The `language` "llama" means VILA 1.5 or SpatialRGPT, whose `mlp_downsample` lists tokens column by column.

    Raises:
        ValueError: a field, or its value, is not known here, or disagrees with the vision tower or the language model.
    """
    for name, value in top.items():
        if name in FIXED:
            if value not in FIXED[name]:
                raise ValueError(f"config.json has {name}={value!r}: {_known(FIXED[name])}")
        elif name not in READ and name not in UNUSED and not name.startswith("_") and value not in (None, False):
            raise ValueError(
                f"config.json has the field {name}={value!r}, which is not known here: remove it if it does not change "
                "answers"
            )
    for name, least in (("max_tiles", 0), ("num_video_frames", 0), ("mm_vision_select_layer", None)):
        value = top.get(name)
        if value is not None and (type(value) is not int or (least is not None and value < least)):
            least_one = "" if least is None else f" of at least {least}"
            raise ValueError(f"config.json has {name}={value!r}: known here is a whole number{least_one}")
    for name, own in (("mm_hidden_size", tower_width), ("hidden_size", width)):
        if top.get(name) not in (None, own):
            raise ValueError(f"config.json has {name}={top[name]}, but the part in the folder is {own} wide")
    kind = projector.get("mm_projector_type") or (top.get("mm_projector_cfg") or {}).get("mm_projector_type")
    if kind not in PROJECTORS:
        raise ValueError(f"mm_projector/config.json has mm_projector_type={kind!r}: {_known(tuple(PROJECTORS))}")
    regions, depth, llama = bool(top.get("enable_region")), bool(top.get("enable_depth")), language == "llama"
    if (regions or depth) and not llama:
        name = "enable_region" if regions else "enable_depth"
        raise ValueError(f"config.json has {name}=True: known with a Llama (SpatialRGPT), not with {language}")
    if depth and not regions:
        raise ValueError("config.json has enable_depth=True without enable_region: known together (SpatialRGPT)")
    if llama and top.get("image_aspect_ratio") != "resize":
        found = top.get("image_aspect_ratio")
        raise ValueError(f"config.json has image_aspect_ratio={found!r} with a Llama (VILA 1.5): {_known(('resize',))}")
    dynamic = top.get("image_aspect_ratio", "dynamic") == "dynamic"
    return NvilaConfig(
        projector="downsample_2x2_columns" if llama and kind == "mlp_downsample" else PROJECTORS[kind],
        select_layer=top.get("mm_vision_select_layer", -2),
        max_tiles=int(top.get("max_tiles") or 12) if dynamic else 1,
        tile_text="\n" if dynamic else "",  # stands in the prompt, after each tile of a single picture
        tile_suffix=_end(top, "image_encoder"),
        frame_suffix=_end(top, "video_encoder"),
        video_frames=int(top.get("num_video_frames") or 8),
        regions=regions,
        depth=depth,
        timestamps=bool(top.get("use_time_pe")),
        duration_line=DURATION_LINE if {"use_time_pe", *DISTILLATION} & top.keys() else "",
    )


def _end(top: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Read which text an encoder puts after each tile or frame."""
    stated = top.get(name) or {}
    encoder = json.loads(stated) if isinstance(stated, str) else dict(stated)
    target = encoder.pop("_target_", ENCODERS[name]).rsplit(".", 1)[-1]
    end = encoder.pop("end_tokens", "\n")
    if encoder.get("start_tokens", "") is None:
        del encoder["start_tokens"]
    if target != ENCODERS[name] or encoder:
        raise ValueError(f"config.json has {name}={stated!r}: {_known((ENCODERS[name],))} with `end_tokens` alone")
    return () if not end else (end,)


def _known(values: tuple[Any, ...]) -> str:
    return f"known here is {', '.join(str(value) for value in values if value is not None) or 'null'}"
