"""Prompts: tokenizers that come as a SentencePiece model alone."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
import sentencepiece
from transformers import AutoTokenizer

from probes.extractors.diffusion.text import need_tokenizer_packages

SENTENCE = "a camera moves around the room while a chair turns and the lamp near two tables stays where it was"
PROMPT = "the camera turns near a lamp"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tokenizer of T5 as published: `spiece.model`, no `tokenizer.json`."""
    words, written = SENTENCE.split(), io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(" ".join(words[k:] + words[:k]) for k in range(len(words))),
        model_writer=written,
        vocab_size=60,
        hard_vocab_limit=False,
        minloglevel=2,
        **{"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1},
    )
    (tmp_path / "spiece.model").write_bytes(written.getvalue())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "T5Tokenizer", "extra_ids": 0}))
    return tmp_path


def test_a_sentencepiece_model_gives_the_ids_of_sentencepiece(folder: Path) -> None:
    need_tokenizer_packages(folder)
    own = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spiece.model"))
    assert AutoTokenizer.from_pretrained(folder)(PROMPT).input_ids == [*own.encode(PROMPT), 1]


@pytest.mark.parametrize("module", ["sentencepiece", "google.protobuf"])
def test_without_its_packages_it_is_refused_and_a_converted_one_is_not(
    folder: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"spiece\.model needs {module.rpartition('.')[2]}: pip install"):
        need_tokenizer_packages(folder)
    (folder / "tokenizer.json").write_text("{}")
    need_tokenizer_packages(folder)
