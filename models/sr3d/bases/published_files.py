"""What the files of a published checkpoint say about its inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

QUESTION = "{visual}{question}"  # of a prompt template: where the tokens of the media and the question stand


def pixel_statistics(folder: str | Path) -> dict[str, Sequence[float]]:
    """Read mean and standard deviation of pixels from `preprocessor_config.json`; .5 where the file is missing."""
    file = Path(folder) / "preprocessor_config.json"
    stated = json.loads(file.read_text()) if file.is_file() else {}
    return {name: stated.get(name, (0.5, 0.5, 0.5)) for name in ("image_mean", "image_std")}


def question_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """Render the chat template for one question; without a chat template the question stands alone."""
    if not tokenizer.chat_template:
        return QUESTION
    message = [{"role": "user", "content": QUESTION}]
    text: str = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    return text
