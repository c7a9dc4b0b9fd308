"""The tokenizer: one token a number, and readable text back."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from models.sr3d import train_tokenizer

TEXTS = ("Which is nearer to <region0>? (A) <region1> (B) <region2>", "1.4 m", "0.25 m/s", "left-hand, isn't it?")


@pytest.mark.parametrize("text", ["A", "1.4 m", "0.25 m/s", "Which is nearer? (A)", "left-hand, isn't it?"])
def test_decoding_gives_the_text_back(text: str) -> None:
    tokenizer = train_tokenizer([*TEXTS, "A"])
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_numbers_units_and_options_are_one_token() -> None:
    tokenizer = train_tokenizer(TEXTS)
    assert tokenizer.tokenize("0.25 m/s (A)") == ["0.25", "m/s", "(A)"]


def test_special_tokens_have_fixed_ids_and_tags_add_no_words() -> None:
    tokenizer = train_tokenizer(TEXTS)
    names = ["<pad>", "<eos>", "<unk>", "<image>", "<region>", "<camera>", "<scale>"]
    assert tokenizer.convert_tokens_to_ids(names) == list(range(7))
    assert "region0" not in tokenizer.get_vocab()
    assert tokenizer.tokenize("to <region>?") == ["to", "<region>", "?"]


def test_training_is_deterministic_and_survives_saving(tmp_path: Path) -> None:
    first, second = train_tokenizer(TEXTS), train_tokenizer(TEXTS)
    assert first.get_vocab() == second.get_vocab()
    first.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again(TEXTS[3])["input_ids"] == first(TEXTS[3])["input_ids"]
    assert again.decode(again("1.4 m")["input_ids"]) == "1.4 m"
