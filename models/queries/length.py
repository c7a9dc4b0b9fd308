"""How much a language model reads."""

from __future__ import annotations

from transformers import PretrainedConfig


def refuse_too_long(tokens: int, config: PretrainedConfig) -> None:
    """Refuse a prompt that leaves no position for an answer.

    Args:
        tokens: length of the prompt, its visual tokens counted.
        config: of the model; one without `max_position_embeddings` reads any length.

    Raises:
        ValueError: it is too long.
    """
    longest = getattr(config.get_text_config(), "max_position_embeddings", None)
    if longest is not None and tokens >= longest:
        raise ValueError(
            f"the question and its frames take {tokens:,} tokens, and the model reads {longest:,}: "
            "use fewer words or fewer frames"
        )
