"""VILA 1.5 with Llama 3, which SpatialRGPT is built on: its prompt, and the region extractor beside its parts.

Source: github.com/NVlabs/VILA and github.com/AnjieCheng/SpatialRGPT. Published are Llama-3-VILA1.5-8B and
SpatialRGPT-VILA1.5-8B; the others of VILA 1.5 have languages or towers that are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from transformers import PreTrainedTokenizerBase

HEADER = "<|start_header_id|>"
TEMPLATE = (  # VILA's conversation `llama_3`; the tokenizer's own template is not used there
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful language and vision assistant. "
    "You are able to understand the visual content that the user provides, and assist the user with a variety of tasks "
    "using natural language.<|eot_id|>"
    "{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n{{ message['content'] }}"
    "<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)


def set_llama3_prompt(tokenizer: PreTrainedTokenizerBase) -> None:
    """Set the chat template of VILA 1.5 for Llama 3, and a padding token where there is none.

    Raises:
        ValueError: the tokenizer is that of another Llama.
    """
    if HEADER not in tokenizer.get_vocab():
        raise ValueError(
            f"llm/ is a Llama whose tokenizer lacks {HEADER}: of VILA 1.5 only the prompt for Llama 3 is known here "
            "(Llama-3-VILA1.5-8B, SpatialRGPT-VILA1.5-8B), not that for Vicuna, Sheared LLaMA or Yi"
        )
    tokenizer.chat_template = TEMPLATE
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token


def check_region_extractor(config: Mapping[str, Any]) -> None:
    """Raise ValueError unless the config of a region extractor is RegionGPT's."""
    kind = config.get("region_extractor_type")
    if kind != "regiongpt":
        raise ValueError(f"region_extractor/config.json has region_extractor_type={kind!r}: known here is regiongpt")
