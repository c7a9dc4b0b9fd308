"""LLaVA's JSON (ShareGPT style), which VSI-590K and many others share.

Source: LLaVA, docs/Finetune_Custom_Data.md: a list of samples, or JSON lines, each with `conversations` of
{"from": "human" or "gpt", "value": ...} and `image`, `images` or `video`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_MEDIA_TAG = re.compile(r"\s*<(?:image|video)>\s*")
SPEAKERS = {"human": "question", "user": "question", "gpt": "answer", "assistant": "answer"}


def from_llava(source: Path, media: Path) -> Iterator[Mapping[str, Any] | str]:
    """Convert samples; a sample with a system turn, or whose turns do not alternate, is left out."""
    for sample in read_samples(source):
        yield "it is of SPAR; convert it as spar" if sample.get("spar_info") else read_line(sample, media)


def read_line(sample: Mapping[str, Any], media: Path) -> dict[str, Any] | str:
    """Convert a sample without regions, or say why it is left out."""
    turns = read_turns(sample.get("conversations"))
    if isinstance(turns, str):
        return turns
    line: dict[str, Any] = {"conversations": [turns]}
    if "id" in sample:
        line["id"] = str(sample["id"])
    seen = sample.get("images") or sample.get("image") or []
    paths = [str(media / path) for path in ([seen] if isinstance(seen, str) else seen)]
    if sample.get("video"):  # of VSI-590K with the tag of an image
        line["video"] = str(media / sample["video"])
    elif paths:
        line.update({"image": paths[0]} if len(paths) == 1 else {"images": paths})
    return line


def read_samples(source: Path) -> Iterator[Mapping[str, Any]]:
    """Read the samples of a JSON list, or of JSON lines.

    Raises:
        ValueError: the file is neither.
    """
    with source.open(encoding="utf-8") as file:
        first = file.read(1)
        file.seek(0)
        try:
            samples = json.load(file) if first == "[" else map(json.loads, filter(str.strip, file))
            for sample in samples:
                if not isinstance(sample, Mapping):
                    raise TypeError("a sample is not an object")
                yield sample
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"'{source}' is neither a JSON list of samples nor JSON lines: {error}") from error


def read_turns(conversation: Any) -> list[dict[str, str]] | str:
    """Pair questions and answers, without tags of media; or say why they cannot be paired."""
    if not isinstance(conversation, Sequence) or not all(isinstance(turn, Mapping) for turn in conversation):
        return "there are no conversations"
    spoken = [(SPEAKERS.get(str(turn.get("from"))), str(turn.get("value", ""))) for turn in conversation]
    if len(spoken) % 2 or [who for who, _ in spoken] != ["question", "answer"] * (len(spoken) // 2):
        return "turns are not human and gpt in alternation"
    texts = [_MEDIA_TAG.sub(" ", text).strip() for _, text in spoken]
    return [{"question": q, "answer": a} for q, a in zip(texts[::2], texts[1::2], strict=True)]
