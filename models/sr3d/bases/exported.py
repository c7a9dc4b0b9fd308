"""SR-3D folders as `region4d train` and `region4d convert` write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING

from models.attention import attention_implementation
from models.checked_loading import naming_damage, no_larger_than, refuse_non_finite
from models.checkpoint_files import NO_CODE, read_json, refuse_custom_code, warn_of_code, weight_files
from models.checkpoint_registry import checkpoint_folder
from models.pretrained import without_load_report
from models.sr3d.auto_file import AUTO_FILE, AUTO_MAP
from models.sr3d.bases.loading import (
    CONFIG_OPTIONS,
    PROCESSOR_OPTIONS,
    check_generation,
    check_known,
    check_types,
    named_dtype,
    naming,
    refuse_misfits,
    split_options,
)
from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.model import SR3DForConditionalGeneration
from models.sr3d.text.tokenizer import PLACEHOLDERS

KIND = "an exported SR-3D"
BOOKKEEPING = {"architectures", "model_type", "torch_dtype", "quantization_config", "transformers_version"}
PROCESSOR_FIELDS = PROCESSOR_OPTIONS | {"grid", "token_grid", "point_map", "one_picture", "depth_picture"}
DECIDED = (  # of the processor, by the config
    *("tile_size", "grid", "token_grid", "pe_oversample", "scale"),
    *("point_map", "camera_token", "one_picture", "depth_picture"),
)


def load_exported_model(
    folder: str | Path,
    attention: str | None = None,
    dtype: torch.dtype | str | None = None,
    device_map: str | dict[str, str] | None = None,
    quantization_config: Any = None,
    **options: Any,
) -> SR3DForConditionalGeneration:
    """Load the model of an exported folder. Every weight must be there and fit.

    Args:
        folder: Of the checkpoint, a shipped name, or a name on the Hub.
        attention: Name of a backend (see `models.attention`); by default that of transformers.
        dtype: Of the weights, also by name; by default that of the checkpoint.
        device_map: As of `from_pretrained`.
        quantization_config: As of `from_pretrained`.
        **options: Arguments of `SR3DConfig` that differ from the folder's, for a training. What they add, such as the
            scale token, is new; what they take away is left out.

    Raises:
        FileNotFoundError: A file of the folder is missing.
        ValueError: The folder has another architecture, code of its own or a setting that is not known here; weights
            are missing, unknown, damaged or of another size; or an option is unknown.
    """
    folder = checkpoint_folder(folder)
    of_model, of_processor = split_options(options, KIND)
    if of_processor:
        raise ValueError(f"{', '.join(of_processor)} belongs to the processor: give it to load_exported_processor")
    config = _config(folder, of_model)
    files = weight_files(folder)
    given: dict[str, Any] = {} if dtype is None else {"dtype": named_dtype(dtype)}
    if attention is not None:
        given["attn_implementation"] = {"text_config": attention_implementation(attention)}
    model: SR3DForConditionalGeneration
    with naming_damage(folder), no_larger_than(files, folder / "config.json"), without_load_report():
        model, report = SR3DForConditionalGeneration.from_pretrained(
            folder,
            config=config,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported below
            device_map=device_map,
            quantization_config=quantization_config,
            **NO_CODE,
            **given,
        )
    before, now = _optional_parts(_config(folder, {})), _optional_parts(config)
    refuse_misfits(folder, report, tuple(now - before), tuple(before - now), "get config and weights of one model")
    refuse_non_finite(model.state_dict(), folder)
    if (folder / "generation_config.json").is_file():
        with naming(folder / "generation_config.json"):
            check_generation(model.generation_config, config.text_config.vocab_size)
    warn_of_code(folder, AUTO_FILE)  # only now: what is refused is one line
    return model


def load_exported_processor(folder: str | Path, **options: Any) -> SR3DProcessor:
    """Load the processor of an exported folder; `options` as for the model, and arguments of `SR3DProcessor`.

    Raises:
        FileNotFoundError: A file of the folder is missing.
        ValueError: As for the model; or the tokenizer lacks a token of the media, or has it in another place.
    """
    folder = checkpoint_folder(folder)
    of_model, of_processor = split_options(options, KIND)
    config = _config(folder, of_model)
    file = folder / "processor_config.json"
    if not file.is_file():
        raise FileNotFoundError(f"no {file}: get the whole folder")
    _refuse_unknown(file, PROCESSOR_FIELDS | CONFIG_OPTIONS | {"processor_class", "auto_map"})
    with naming_damage(folder), naming(file):
        check_types(read_json(file), SR3DProcessor)
        processor: SR3DProcessor = SR3DProcessor.from_pretrained(folder, **NO_CODE)
        _check_fields(processor)
    _check_tokens(folder, processor, config)
    own = {name: getattr(processor, name) for name in PROCESSOR_OPTIONS}
    fitting = SR3DProcessor.from_config(config, processor.tokenizer, **{**own, **of_processor})
    if options:
        return fitting
    for name in DECIDED:
        if (found := getattr(processor, name)) != (expected := getattr(fitting, name)):
            raise ValueError(f"{file} has {name}={found}, but config.json makes it {expected}: get both of one model")
    return processor


def _config(folder: Path, options: dict[str, Any]) -> SR3DConfig:
    file = folder / "config.json"
    if not file.is_file():
        raise FileNotFoundError(
            f"no SR-3D checkpoint in '{folder}' (config.json is missing): train one with `region4d train "
            "experiment=sr3d/tiny_static`, or name sr3d_tiny_3d or an NVILA-Lite folder"
        )
    refuse_custom_code(folder, AUTO_MAP)
    stored = read_json(file)
    if stored.get("model_type") != SR3DConfig.model_type:
        raise ValueError(
            f"{file} has model_type={stored.get('model_type')!r}, which is not an SR-3D: make one of a language "
            "model and a vision tower by `region4d convert`, or name a folder in VILA's layout (llm/, mm_projector/, "
            "vision_tower/)"
        )
    _refuse_unknown(file, CONFIG_OPTIONS | set(SR3DConfig().to_dict()) | BOOKKEEPING)
    for part in ("vision_config", "text_config"):
        if not isinstance(of_part := stored.get(part), dict):
            raise ValueError(f"{file} has {part}={of_part!r}: the config of a part has fields")
        if (kind := of_part.get("model_type")) not in CONFIG_MAPPING:
            raise ValueError(f"{file} has {part} with model_type={kind!r}, which transformers does not know")
    with naming_damage(file), naming(file):
        check_types(stored, SR3DConfig)
        config: SR3DConfig = SR3DConfig.from_dict({**stored, **options})
        for each in (config.vision_config, config.text_config):
            check_known(each)
    for each in (config, config.vision_config, config.text_config):  # what a call returns is not for a file to say
        each.output_hidden_states, each.output_attentions, each.return_dict = False, False, True
    return config


def _optional_parts(config: SR3DConfig) -> set[str]:
    """Name the parts that a model has or has not, as its weights begin."""
    has = {
        "position_encoding.": config.position_encoding,
        "camera_projector.": config.position_encoding and config.camera_token,
        "camera_token.": config.camera_token,
        "scale_encoding.": config.scale == "token",
    }
    return {part for part, there in has.items() if there}


def _refuse_unknown(file: Path, known: frozenset[str] | set[str]) -> None:
    for name, value in read_json(file).items():
        if name not in known and not name.startswith("_") and value is not None and value is not False:
            raise ValueError(
                f"{file} has the field {name}={value!r}, which is not known here: remove it if it does not change "
                "answers"
            )


def _check_fields(processor: SR3DProcessor) -> None:
    """Raise ValueError for fields that `check_types` does not see, and that would fail at the first question."""
    for name in ("image_mean", "image_std"):
        values = getattr(processor, name)
        if len(values) != 3 or not all(type(value) in (int, float) and abs(value) < 1000 for value in values):
            raise ValueError(f"{name}={values!r}: three numbers are needed, of red, green and blue")
    if not all(processor.image_std):
        raise ValueError(f"image_std={processor.image_std!r} has a zero: pixels are divided by it")
    if lacking := [part for part in ("{visual}", "{question}") if part not in processor.template]:
        raise ValueError(f"template={processor.template!r} lacks {' and '.join(lacking)}")
    for name in ("tile_suffix", "frame_suffix"):
        if not all(isinstance(token, str) for token in getattr(processor, name)):
            raise ValueError(f"{name}={getattr(processor, name)!r}: texts are needed")
    if processor.max_tiles < 1:
        raise ValueError(f"max_tiles={processor.max_tiles}: one or more are needed")


def _check_tokens(folder: Path, processor: SR3DProcessor, config: SR3DConfig) -> None:
    vocabulary = processor.tokenizer.get_vocab()
    for name in ("pad_token", "eos_token"):
        if getattr(processor.tokenizer, name) is None:
            raise ValueError(f"the tokenizer in {folder} has no {name}: get the one that was saved with the model")
    if lacking := [token for token in PLACEHOLDERS.values() if token not in vocabulary]:
        raise ValueError(
            f"the tokenizer in {folder} lacks {', '.join(lacking)}, which stand for media in a prompt: get the "
            "tokenizer that was saved with the model"
        )
    for field, token in PLACEHOLDERS.items():
        if (found := vocabulary[token]) != (expected := getattr(config, field)):
            raise ValueError(
                f"{token} is {found} in the tokenizer of {folder} and {expected} in its config.json ({field}): get "
                "both of one model"
            )
