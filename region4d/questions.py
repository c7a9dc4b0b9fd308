"""Whether a model can read a question, and whether it was trained on it and on such footage."""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers.models import WordLevel

from models.sr3d import SR3DProcessor
from models.sr3d.text.mentions import replace_mentions
from models.sr3d.text.trained_questions import nearest_questions
from scenes.clip import Clip


def check_words(processor: SR3DProcessor, question: str) -> None:
    """Refuse words outside the vocabulary: the tiny model reads only the grammar that it was trained on.

    Raises:
        ValueError: a word is unknown to the tokenizer.
    """
    tokenizer = processor.tokenizer
    if not isinstance(tokenizer.backend_tokenizer.model, WordLevel):  # of words in pieces, none is unknown
        return
    plain = replace_mentions(question, " ")
    words, _ = zip(*tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(plain), strict=True)
    unknown = [word for word in words if tokenizer.convert_tokens_to_ids(word) == tokenizer.unk_token_id]
    if unknown:
        near = nearest_questions(question, processor.trained_questions or {}) or [
            "How far is <region0> from <region1> at the start?"
        ]
        raise ValueError(
            f"this model does not know {', '.join(map(repr, unknown))}; ask as it was trained, for example "
            f"{listed(near)} (all questions: scenes/questions)"
        )


def untrained_notes(processor: SR3DProcessor, question: str) -> list[str]:
    """Say in one line that the model was not trained on a question, with the nearest ones; [] if it was, or any."""
    nearest = nearest_questions(question, processor.trained_questions or {})
    if not nearest:
        return []
    return [
        "this model was not trained on this question, so the answer may mean nothing; the nearest questions that it "
        f"reads: {listed(nearest)}"
    ]


def footage_domain(processor: SR3DProcessor, clip: Clip) -> list[str]:
    """Say in one line that the model has seen nothing but procedural worlds; [] of a world, or of any other model."""
    if not processor.trained_questions or clip.truth is not None:
        return []
    return [
        "this model was trained on procedural worlds alone; on other footage its answer may mean nothing: "
        "docs/guides/checkpoints.md has models for it"
    ]


def listed(questions: Sequence[str]) -> str:
    """Write questions in quotes, separated by commas."""
    return ", ".join(f'"{question}"' for question in questions)
