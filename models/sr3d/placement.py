"""Where the weights of a model lie, and how many bits they have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from transformers import BitsAndBytesConfig

DEVICE = re.compile(r"auto|cpu|cuda(:\d+)?")
DTYPES = ("float32", "bfloat16", "float16")
# not quantised:
WHOLE = (  # modules that are not quantised
    "vision_tower",
    "grid_encoding",
    "position_encoding",
    "scale_encoding",
    "camera_projector",
    "projector",
    "region_extractor",
    "lm_head",
)


@dataclass(frozen=True)
class Placement:
    """How to load a model.

    Args:
        device: "cpu", "cuda", "cuda:N", or "auto": spread over the GPUs and, where they are full, main memory. By
            default the GPU where there is one.
        dtype: Of the weights, or of those that are not quantised; by default as saved, bfloat16 of a
            folder in VILA's layout.
        bits: 8 (LLM.int8, arXiv 2208.07339) or 4 (NF4, arXiv 2305.14314) for the linear layers of the language model;
            needs bitsandbytes.

    Raises:
        ImportError: bitsandbytes is not installed.
        ValueError: The device, the dtype or the bits are unknown.
    """

    device: str | None = None
    dtype: str | None = None
    bits: int | None = None

    def __post_init__(self) -> None:
        if self.device is not None and not DEVICE.fullmatch(self.device):
            raise ValueError(f"unknown device {self.device!r}; use cpu, cuda, cuda:N or auto")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise ValueError(f"dtype {self.dtype!r} is unknown: choose one of {', '.join(DTYPES)}")
        if self.bits not in (None, 4, 8):
            raise ValueError(f"bits={self.bits}: weights have 4 or 8 bits, or none for those of --dtype")
        if self.bits is not None and find_spec("bitsandbytes") is None:
            raise ImportError(f"weights of {self.bits} bits need bitsandbytes: pip install 'region4d[quantized]'")

    def arguments(self) -> dict[str, Any]:
        """Give the arguments of `from_pretrained`; weights go to a GPU one by one, as they are read."""
        device = self.device or ("cuda" if torch.cuda.is_available() else "cpu")
        dtype = getattr(torch, self.dtype) if self.dtype else None
        given: dict[str, Any] = {} if dtype is None else {"dtype": dtype}
        if device != "cpu" or self.bits is not None:
            given["device_map"] = device if device == "auto" else {"": device}
        if self.bits is not None:
            given["quantization_config"] = BitsAndBytesConfig(
                load_in_8bit=self.bits == 8,
                load_in_4bit=self.bits == 4,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_compute_dtype=dtype or torch.bfloat16,
                llm_int8_skip_modules=list(WHOLE),
            )
        return given
