"""What the loaders of SR-3D share: their options, and weights that must fit."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import GenerationConfig, PretrainedConfig
from transformers.activations import ACT2FN
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.placement import DTYPES

OURS = ("position_encoding.", "camera_projector.", "camera_token.", "scale_encoding.", "region_extractor.")
COUNTED = ("max_new_tokens", "max_length", "min_length", "min_new_tokens", "num_beams", "pad_token_id")
CONFIG_OPTIONS = frozenset(inspect.signature(SR3DConfig.__init__).parameters) - {"self", "kwargs"}
PROCESSOR_OPTIONS = (
    frozenset(inspect.signature(SR3DProcessor.__init__).parameters)
    - CONFIG_OPTIONS
    - {"self", "tokenizer", "grid", "token_grid", "point_map", "one_picture", "depth_picture"}
)


def split_options(options: dict[str, Any], what: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split options into those of `SR3DConfig` and those of `SR3DProcessor`; ValueError for an unknown one."""
    of_model = {key: value for key, value in options.items() if key in CONFIG_OPTIONS}
    of_processor = {key: value for key, value in options.items() if key in PROCESSOR_OPTIONS}
    for key in options:
        if key not in of_model and key not in of_processor:
            near = difflib.get_close_matches(key, CONFIG_OPTIONS | PROCESSOR_OPTIONS, 1)
            hint = f"do you mean {near[0]}?" if near else "see SR3DConfig and SR3DProcessor"
            raise ValueError(f"unknown option {key}={options[key]!r} of {what}: {hint}")
    return of_model, of_processor


def named_dtype(dtype: torch.dtype | str) -> torch.dtype:
    """Give a dtype of weights that may be given by name; ValueError for another name."""
    if isinstance(dtype, torch.dtype):
        return dtype
    if dtype not in DTYPES:
        raise ValueError(f"dtype {dtype!r} is unknown: choose one of {', '.join(DTYPES)}")
    found: torch.dtype = getattr(torch, dtype)
    return found


@contextmanager
def naming(file: Path) -> Iterator[None]:
    """Name the file in what is said of a config that it holds, also where transformers checks its fields."""
    try:
        yield
    except (ValueError, StrictDataclassError) as error:
        raise ValueError(f"{file}: {' '.join(str(error).split())}") from None


def check_known(config: PretrainedConfig) -> None:
    """Raise ValueError for an activation or a rotary encoding that transformers does not know."""
    for name in ("hidden_act", "hidden_activation", "activation_function"):
        found = getattr(config, name, None)
        if isinstance(found, str) and found not in ACT2FN:
            raise ValueError(f"{config.model_type} has {name}={found!r}, which transformers does not know")
    rope = getattr(config, "rope_parameters", None) or {}
    if (kind := rope.get("rope_type", "default")) != "default" and kind not in ROPE_INIT_FUNCTIONS:
        known = ", ".join(["default", *ROPE_INIT_FUNCTIONS])
        raise ValueError(f"{config.model_type} has rope_type={kind!r}: known here is {known}")


def check_types(fields: Mapping[str, Any], kind: Callable[..., Any]) -> None:
    """Raise ValueError where a field is of another type than the default of the argument that it becomes."""
    for name, parameter in inspect.signature(kind).parameters.items():
        default, value = parameter.default, fields.get(name)
        if name.endswith("_token_id") or value is None or type(default) not in (bool, int, float, str):
            continue
        fits = isinstance(value, int | float) if isinstance(default, float) else isinstance(value, type(default))
        if not fits or isinstance(value, bool) != isinstance(default, bool):
            raise ValueError(f"{name}={value!r} is a {type(value).__name__}: the type is {type(default).__name__}")


def check_generation(generation: GenerationConfig, vocabulary: int) -> None:
    """Raise ValueError where answers would not end, or a field is of another type than decoding takes."""
    ends = generation.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    if not ends or not all(type(end) is int and end >= 0 for end in ends):
        raise ValueError(f"eos_token_id={generation.eos_token_id!r} ends no answer: give a token's number, or several")
    for name, value in generation.to_diff_dict().items():
        switch = name.startswith(("output_", "use_", "do_", "return_", "remove_", "renormalize_"))
        if (switch and not isinstance(value, bool)) or (name in COUNTED and type(value) is not int):
            raise ValueError(f"{name}={value!r} is a {type(value).__name__}, which decoding does not take")


def refuse_misfits(
    folder: Path, report: dict[str, Any], may_lack: Sequence[str], may_have: Sequence[str], advice: str
) -> None:
    """Raise ValueError for weights that are missing, unknown or of another size.

    Args:
        folder: Of the checkpoint.
        report: Of `from_pretrained(output_loading_info=True)`.
        may_lack: Beginnings of names that are new.
        may_have: Beginnings of names that are left out.
        advice: The end of the line.
    """
    for problem, keys in (
        ("lacks", sorted(key for key in report["missing_keys"] if not key.startswith(tuple(may_lack)))),
        ("has unknown", sorted(key for key in report["unexpected_keys"] if not key.startswith(tuple(may_have)))),
        ("has, in another size than its configs say,", sorted(key for key, *_ in report["mismatched_keys"])),
    ):
        if keys:
            raise ValueError(f"{folder} {problem} {len(keys)} weights, the first is {keys[0]}: {advice}")
