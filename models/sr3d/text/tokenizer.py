"""A tokenizer trained from the texts of a question grammar: one token a word, one token a number."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

PAD, EOS, UNK, IMAGE, REGION, CAMERA, SCALE = SPECIALS = (
    *("<pad>", "<eos>", "<unk>"),
    *("<image>", "<region>", "<camera>", "<scale>"),
)
PLACEHOLDERS = {  # fields of `SR3DConfig`, and their tokens
    "image_token_id": IMAGE,
    "region_token_id": REGION,
    "camera_token_id": CAMERA,
    "scale_token_id": SCALE,
}
DEPTH = "<depth>"  # of a region in the depth picture; only SpatialRGPT has it
WORD = r"\d+(?:\.\d+)?|\([A-Z]\)|\w+(?:['/-]\w+)*|[^\w\s]"  # a number, an option, a word or unit, one other sign
TAG = re.compile(r"<\w+>")


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Train a word-level tokenizer on all words of `texts`; tags such as <region0> in them are skipped.

    Special tokens get the ids 0 to 6, in the order above. Numbers such as 1.4 and options such as (A) are one token.
    Decoding joins words with blanks, and closes up punctuation. Words never seen become `<unk>`.
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNK))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD), "removed", invert=True)
    tokenizer.decoder = decoders.WordPiece(cleanup=True)
    words = (TAG.sub(" ", text) for text in texts)
    tokenizer.train_from_iterator(words, trainers.WordLevelTrainer(special_tokens=list(SPECIALS), show_progress=False))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNK,
        additional_special_tokens=[IMAGE, REGION, CAMERA, SCALE],
        clean_up_tokenization_spaces=False,
    )


def add_placeholders(tokenizer: PreTrainedTokenizerBase) -> dict[str, int]:
    """Add the placeholders that a tokenizer lacks, as special tokens; return all ids, as `SR3DConfig` takes them."""
    vocabulary = tokenizer.get_vocab()
    new = [token for token in PLACEHOLDERS.values() if token not in vocabulary]
    tokenizer.add_special_tokens({"additional_special_tokens": new}, replace_extra_special_tokens=False)
    return {field: tokenizer.convert_tokens_to_ids(token) for field, token in PLACEHOLDERS.items()}
