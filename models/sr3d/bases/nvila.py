"""VILA's checkpoints, NVILA-Lite first: stock parts in a folder, put together as an SR-3D model that equals them.

4D-RGPT has the parts of NVILA-Lite; VILA 1.5 and SpatialRGPT have a Llama (`models.sr3d.bases.vila15`).
"""

from __future__ import annotations

import difflib
import inspect
import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from models.attention import attention_implementation
from models.checkpoint_registry import checkpoint_folder
from models.sr3d.bases.nvila_config import NvilaConfig, read_nvila_config
from models.sr3d.bases.published_files import pixel_statistics, question_template
from models.sr3d.bases.vila15 import check_region_extractor, set_llama3_prompt
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.inputs.tokenizer import CAMERA, DEPTH, IMAGE, PLACEHOLDERS, REGION, SCALE, add_placeholders
from models.sr3d.model import SR3DForConditionalGeneration

log = logging.getLogger(__name__)
OURS = ("position_encoding.", "camera_projector.", "camera_token.", "scale_encoding.", "region_extractor.")
QWEN_TEMPLATE = (  # of VILA for Qwen2, where the tokenizer has none
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nYou are a helpful assistant<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CONFIG_OPTIONS = frozenset(inspect.signature(SR3DConfig.__init__).parameters) - {"self", "kwargs"}
PROCESSOR_OPTIONS = (
    frozenset(inspect.signature(SR3DProcessor.__init__).parameters)
    - CONFIG_OPTIONS
    - {"self", "tokenizer", "grid", "token_grid", "point_map"}
)


def load_nvila_lite(
    folder: str | Path, attention: str = "sdpa", dtype: torch.dtype | str = torch.bfloat16, **options: Any
) -> tuple[SR3DForConditionalGeneration, SR3DProcessor]:
    """Load model and processor of an NVILA-Lite folder (see the two functions below).

    `options` are arguments of `SR3DConfig`, and of `SR3DProcessor` beyond those that the config decides.
    """
    of_model, of_processor = _split(options)
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
        attention: "sdpa", "eager" or "flash".
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
    of_model, of_processor = _split(options)
    if of_processor:
        raise ValueError(f"{', '.join(of_processor)} belongs to the processor: give it to load_nvila_lite_processor")
    dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    config = _config(folder, _tokenizer(folder / "llm"), of_model)[0]
    placed = {"device_map": device_map, "quantization_config": quantization_config}
    return _assemble(folder, config, attention, dtype, placed)


def load_nvila_lite_processor(folder: str | Path, **options: Any) -> SR3DProcessor:
    """Load the processor that fits the model of the same folder and `options`; no weights are read.

    `options` are those of the model, and arguments of `SR3DProcessor` beyond those that the config decides.

    Raises:
        FileNotFoundError: A file of the folder is missing.
        ValueError: As for the model.
    """
    folder = checkpoint_folder(folder)
    of_model, of_processor = _split(options)
    tokenizer = _tokenizer(folder / "llm")
    config, nvila = _config(folder, tokenizer, of_model)
    return _processor(folder, config, nvila, tokenizer, of_processor)


def _split(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split options into those of `SR3DConfig` and those of `SR3DProcessor`."""
    of_model = {key: value for key, value in options.items() if key in CONFIG_OPTIONS}
    of_processor = {key: value for key, value in options.items() if key in PROCESSOR_OPTIONS}
    for key in options:
        if key not in of_model and key not in of_processor:
            near = difflib.get_close_matches(key, CONFIG_OPTIONS | PROCESSOR_OPTIONS, 1)
            hint = f"do you mean {near[0]}?" if near else "see SR3DConfig and SR3DProcessor"
            raise ValueError(f"unknown option {key}={options[key]!r} of an NVILA-Lite checkpoint: {hint}")
    return of_model, of_processor


def _config(
    folder: Path, tokenizer: PreTrainedTokenizerBase, options: dict[str, Any]
) -> tuple[SR3DConfig, NvilaConfig]:
    top, tower, head = (_json(folder / part / "config.json") for part in ("", "vision_tower", "mm_projector"))
    text = AutoConfig.from_pretrained(folder / "llm")
    if tower.get("model_type") != "siglip_vision_model":
        raise ValueError(f"{folder}/vision_tower has model_type={tower.get('model_type')!r}: NVILA-Lite has SigLIP")
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
    config = SR3DConfig(
        **{
            "vision_config": {
                key: value for key, value in tower.items() if key not in ("architectures", "torch_dtype")
            },
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
    )
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
    with _without_load_report():  # what is missing is checked below
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
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(new))
    for problem, keys in (
        ("lacks", missing),
        ("has unknown", sorted(report["unexpected_keys"])),
        ("has, in another size than its configs say,", sorted(key for key, *_ in report["mismatched_keys"])),
    ):
        if keys:
            raise ValueError(f"{folder} {problem} {len(keys)} weights, the first is {keys[0]}: it is not NVILA-Lite")
    if model.scale_encoding is not None:
        model.scale_encoding.silence()
    return model


@contextmanager
def _without_load_report() -> Iterator[None]:
    """Keep transformers from listing our own new weights as missing."""
    before = transformers_logging.get_verbosity()
    transformers_logging.set_verbosity_error()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(before)


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
    kind = _json(folder / "config.json").get("model_type")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if kind == "llama":
        set_llama3_prompt(tokenizer)
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
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"no weights (*.safetensors) in {folder}: download the whole NVILA-Lite repository")
    try:
        return {key: value for file in files for key, value in load_file(file).items()}
    except SafetensorError as error:
        raise ValueError(f"weights in {folder} are damaged ({error}): download them again") from None


def _json(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise FileNotFoundError(
            f"no {file}: an NVILA-Lite folder holds config.json, llm/, mm_projector/, vision_tower/"
        )
    content: dict[str, Any] = json.loads(file.read_text())
    return content
