"""Words that a model cannot read."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from models.answerers.contract import Answers
from models.sr3d.text.mentions import replace_mentions


def unknown_words(answers: Answers, text: str) -> list[str]:
    """List the words of a text that a model reads as one and the same unknown token; none without a tokenizer.

    Tokenizers of large models split words until they know the parts (those that are no fast ones always do). Those of
    tiny models know whole words only.
    """
    tokenizer: PreTrainedTokenizerBase | None = getattr(answers, "tokenizer", None)
    if tokenizer is None or tokenizer.unk_token_id is None or not tokenizer.is_fast:
        return []
    text = replace_mentions(text, " ")
    read = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
    places = zip(read["input_ids"], read["offset_mapping"], strict=True)
    return [text[start:end] for token, (start, end) in places if token == tokenizer.unk_token_id]
