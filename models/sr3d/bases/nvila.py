"""VILA's checkpoints, NVILA-Lite first: stock parts in a folder, put together as an SR-3D model that equals them.

4D-RGPT has the parts of NVILA-Lite; VILA 1.5 and SpatialRGPT have a Llama (`models.sr3d.bases.vila15`).
"""

from __future__ import annotations

import logging
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import CONFIG_MAPPING, AutoConfig, AutoTokenizer, PreTrainedTokenizerBase

from models.attention import attention_implementation
from models.checked_loading import naming_damage, read_weights
from models.checkpoint_files import NO_CODE, read_json, refuse_custom_code, warn_of_code, weight_files
from models.checkpoint_registry import checkpoint_folder
from models.pretrained import without_load_report
from models.sr3d.bases.loading import (
    OURS,
    check_known,
    named_dtype,
    naming,
    refuse_misfits,
    split_options,
)
from models.sr3d.bases.nvila_config import NvilaConfig, read_nvila_config
from models.sr3d.bases.published_files import pixel_statistics, question_template
from models.sr3d.bases.vila15 import check_region_extractor, set_llama3_prompt
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.model import SR3DForConditionalGeneration
from models.sr3d.text.tokenizer import CAMERA, DEPTH, IMAGE, PLACEHOLDERS, REGION, SCALE, add_placeholders

log = logging.getLogger(__name__)
KIND = "an NVILA-Lite checkpoint"
PARTS = ("", "llm", "mm_projector", "vision_tower", "region_extractor")
QWEN_TEMPLATE = (  # of VILA for Qwen2, where the tokenizer has none
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def load_nvila_lite(
    folder: str | Path, attention: str = "sdpa", dtype: torch.dtype | str = torch.bfloat16, **options: Any
) -> tuple[SR3DForConditionalGeneration, SR3DProcessor]:
    """Load model and processor of an NVILA-Lite folder (see the two functions below).

    `options` are arguments of `SR3DConfig`, and of `SR3DProcessor` beyond those that the config decides.
    """
    of_model, of_processor = split_options(options, KIND)
    model = load_nvila_lite_model(folder, attention, dtype, **of_model)
    return model, load_nvila_lite_processor(folder, **of_model, **of_processor)


def load_nvila_lite_model(
    folder: str | Path,
    attention: str = "sdpa",
    dtype: torch.dtype | str = torch.bfloat16,
    device_map: str | dict[str, str] | None = None,
    quantization_config: Any = None,
    **options: Any,
) -> SR3DForConditionalGeneration:
    """Load `llm/`, `mm_projector/` and `vision_tower/` of an NVILA-Lite folder; sizes come from their configs.

    SpatialRGPT has a `region_extractor/` as well, and no 3D position encoding. Without it both are new; the encoding is
    zero until trained, so answers are those of the checkpoint. Rows of the vocabulary beyond the tokenizer are cut, as
    VILA does. Files are mapped into memory: weights of the same dtype are not copied, those of another are converted
    one by one.

    Args:
        folder: Of the checkpoint, or its name on the Hub.
        attention: Name of a backend (see `models.attention`).
        dtype: Of the weights, also by name, such as "bfloat16".
        device_map: As of `from_pretrained`.
        quantization_config: As of `from_pretrained`.
        **options: Arguments of `SR3DConfig`.

    Raises:
        FileNotFoundError: A file of the folder is missing.
        ValueError: The folder has another architecture or a setting that is not known here; weights are missing,
            unknown or of another size; or an option is unknown.
    """
    folder = checkpoint_folder(folder)
    of_model, of_processor = split_options(options, KIND)
    if of_processor:
        raise ValueError(f"{', '.join(of_processor)} belongs to the processor: give it to load_nvila_lite_processor")
    dtype = named_dtype(dtype)
    config = _config(folder, _tokenizer(folder), of_model)[0]
    placed = {"device_map": device_map, "quantization_config": quantization_config}
    model = _assemble(folder, config, attention, dtype, placed)
    for part in PARTS:
        warn_of_code(folder / part)  # only now: what is refused is one line
    return model


def load_nvila_lite_processor(folder: str | Path, **options: Any) -> SR3DProcessor:
    """Load the processor that fits the model of the same folder and `options`; no weights are read.

    `options` are those of the model, and arguments of `SR3DProcessor` beyond those that the config decides.

    Raises:
        FileNotFoundError: A file of the folder is missing.
        ValueError: As for the model.
    """
    folder = checkpoint_folder(folder)
    of_model, of_processor = split_options(options, KIND)
    tokenizer = _tokenizer(folder)
    config, nvila = _config(folder, tokenizer, of_model)
    return _processor(folder, config, nvila, tokenizer, of_processor)


def _config(
    folder: Path, tokenizer: PreTrainedTokenizerBase, options: dict[str, Any]
) -> tuple[SR3DConfig, NvilaConfig]:
    top, tower, head = (_json(folder / part / "config.json") for part in ("", "vision_tower", "mm_projector"))
    if not any(name in str(top.get("model_type") or "llava_llama") for name in ("llava", "vila")):
        raise ValueError(f"{folder}/config.json has model_type={top['model_type']!r}: a folder of VILA has llava_llama")
    text = AutoConfig.from_pretrained(folder / "llm", **NO_CODE)
    if tower.get("model_type") != "siglip_vision_model":
        raise ValueError(
            f"{folder}/vision_tower has model_type={tower.get('model_type')!r}: known here is siglip_vision_model"
        )
    if lacking := [name for name in ("hidden_size", "image_size", "patch_size") if name not in tower]:
        raise ValueError(f"{folder}/vision_tower/config.json lacks {', '.join(lacking)}: get the whole folder")
    try:
        nvila = read_nvila_config(top, head, tower["hidden_size"], text.hidden_size, text.model_type)
        if nvila.regions:
            check_region_extractor(_json(folder / "region_extractor" / "config.json"))
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None
    if not nvila.regions and (folder / "region_extractor").is_dir():
        log.warning("%s/region_extractor is not used: enable_region is off in config.json", folder)
    tower.update(vision_use_head=False)
    if nvila.depth:
        tokenizer.add_special_tokens({"additional_special_tokens": [DEPTH]}, replace_extra_special_tokens=False)
    text.vocab_size = min(text.vocab_size, _published_length(tokenizer, text.model_type))
    given = {
        "vision_config": {k: value for k, value in tower.items() if k not in ("architectures", "torch_dtype")},
        "text_config": text,
        "tile_size": tower["image_size"],
        "stride": tower["patch_size"],
        "select_layer": nvila.select_layer,
        "projector": nvila.projector,
        "pe_max_frequency": 128 * math.pi,
        "scale": "none",
        "camera_token": False,
        "region_extractor_trained": nvila.regions,
        **({"region_pool": "regiongpt", "position_encoding": False} if nvila.regions else {}),
        "depth_token_id": tokenizer.convert_tokens_to_ids(DEPTH) if nvila.depth else None,
        "timestamp_encoding": "before_projector" if nvila.timestamps else "none",
        **{field: tokenizer.convert_tokens_to_ids(token) for field, token in PLACEHOLDERS.items()},
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": _stop_tokens(tokenizer),
        **options,
    }
    with naming(folder / "vision_tower" / "config.json"):
        config = SR3DConfig(**given)
        check_known(config.vision_config)
    return config, nvila


def _assemble(
    folder: Path, config: SR3DConfig, attention: str, dtype: torch.dtype, placed: dict[str, Any]
) -> SR3DForConditionalGeneration:
    state = {f"language_model.{key}": value for key, value in _weights(folder / "llm").items()}
    for key in ("language_model.model.embed_tokens.weight", "language_model.lm_head.weight"):
        if key in state:
            state[key] = state[key][: config.text_config.vocab_size]
    for key, value in _weights(folder / "mm_projector").items():
        place = key.removeprefix("layers.")
        state["projector." + (f"0.{place}" if config.projector == "linear" else place)] = value
    for key, value in _weights(folder / "vision_tower").items():
        plain = key.removeprefix("vision_tower.").removeprefix("vision_model.")
        if not plain.startswith("head."):  # the pooling head, which is not used
            state["vision_tower.model." + plain] = value
    new: tuple[str, ...] = OURS
    if config.region_pool == "regiongpt":
        state |= {f"region_extractor.{key}": value for key, value in _weights(folder / "region_extractor").items()}
        new = tuple(key for key in OURS if key != "region_extractor.")
    model: SR3DForConditionalGeneration
    with naming_damage(folder), without_load_report():  # what is missing is checked below
        model, report = SR3DForConditionalGeneration.from_pretrained(
            None,
            config=config,
            state_dict=state,
            dtype=dtype,
            attn_implementation={"text_config": attention_implementation(attention)},
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported below
            **placed,
        )
    refuse_misfits(folder, report, new, (), "get config and weights of one model")
    if model.scale_encoding is not None:
        model.scale_encoding.silence()
    return model


def _processor(
    folder: Path,
    config: SR3DConfig,
    nvila: NvilaConfig,
    tokenizer: PreTrainedTokenizerBase,
    options: dict[str, Any],
) -> SR3DProcessor:
    given = {
        **pixel_statistics(folder / "vision_tower"),
        "max_tiles": nvila.max_tiles,
        "resizer": "pillow",
        "template": question_template(tokenizer),
        "tile_text": nvila.tile_text,
        "tile_suffix": nvila.tile_suffix,
        "frame_suffix": nvila.frame_suffix,
        "video_frames": nvila.video_frames,
        "time_prompt": bool(nvila.duration_line),
        "duration_line": nvila.duration_line,
    }
    return SR3DProcessor.from_config(config, tokenizer, **{**given, **options})


def _stop_tokens(tokenizer: PreTrainedTokenizerBase) -> int | list[int]:
    """Infer what ends an answer: the end of the sequence, and what the chat template puts after an answer (VILA)."""
    turns = [{"role": "user", "content": "question"}, {"role": "assistant", "content": REGION}]
    text = tokenizer.apply_chat_template(turns * 2, tokenize=False)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    answer = tokenizer.convert_tokens_to_ids(REGION)
    stops = [tokenizer.eos_token_id, *(after for token, after in pairwise(ids) if token == answer)]
    unique = list(dict.fromkeys(stops))
    return unique if len(unique) > 1 else unique[0]


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    for part in PARTS:
        refuse_custom_code(folder / part)
    kind = _json(folder / "llm" / "config.json").get("model_type")
    if kind not in CONFIG_MAPPING:
        raise ValueError(f"{folder}/llm/config.json has model_type={kind!r}, which transformers does not know")
    with naming(folder / "llm" / "config.json"):  # which the tokenizer reads as well
        check_known(AutoConfig.from_pretrained(folder / "llm", **NO_CODE))
    tokenizer = AutoTokenizer.from_pretrained(folder / "llm", **NO_CODE)
    if kind == "llama":
        set_llama3_prompt(tokenizer)
    elif IMAGE not in tokenizer.get_vocab():
        raise ValueError(
            f"the tokenizer in {folder}/llm lacks {IMAGE}, which stands for a picture in a prompt: get the tokenizer "
            "that was saved with the model"
        )
    add_placeholders(tokenizer)
    tokenizer.chat_template = tokenizer.chat_template or QWEN_TEMPLATE
    return tokenizer


def _published_length(tokenizer: PreTrainedTokenizerBase, language: str) -> int:
    """Count the tokens without those that were added here; VILA 1.5 has none for a picture."""
    ours = {REGION, CAMERA, SCALE, *((IMAGE, DEPTH) if language == "llama" else ())}
    length = len(tokenizer)
    while tokenizer.convert_ids_to_tokens(length - 1) in ours:
        length -= 1
    return length


def _weights(folder: Path) -> dict[str, Tensor]:
    return read_weights(weight_files(folder))


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileNotFoundError(
            f"no {file}: an NVILA-Lite folder holds config.json, llm/, mm_projector/, vision_tower/"
        )
    return read_json(file)
