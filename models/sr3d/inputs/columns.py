"""Samples from columns of texts, images, videos and what goes with them, as processors of transformers take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from models.sr3d.inputs.conversation import as_frames, images_of
from models.sr3d.inputs.sample import Sample

if TYPE_CHECKING:
    from models.sr3d.inputs.processor import SR3DProcessor


def prepare_columns(
    processor: SR3DProcessor, text: str | Sequence[str | Sequence[str]], columns: Mapping[str, Any]
) -> list[Sample]:
    """Prepare one sample, or one of each text of a list.

    Args:
        processor: Lays out tokens and tiles.
        text: A question, or a list with one question or many per sample.
        columns: `images`, `videos`, `regions`, `answers`, and geometry as `SR3DProcessor.prepare` takes it; each None,
            or with one entry per sample.

    Raises:
        ValueError: Columns differ in length, or a sample is not one that the processor prepares.
    """
    if isinstance(text, str):
        text, columns = [text], {name: None if column is None else [column] for name, column in columns.items()}
    for name, column in columns.items():
        if column is not None and len(column) != len(text):
            raise ValueError(f"{len(text)} texts, but {len(column)} entries in `{name}`: give one each")
    rows = [{name: None if column is None else column[i] for name, column in columns.items()} for i in range(len(text))]
    return [_prepare(processor, _many(one), **row) for one, row in zip(text, rows, strict=True)]


def _prepare(
    processor: SR3DProcessor,
    questions: Sequence[str],
    *,
    images: Any,
    videos: Any,
    regions: Any,
    answers: Any,
    **geometry: Any,
) -> Sample:
    """Prepare one image or video in full, or as a conversation what has none or several images."""
    media = [{"type": "image", "image": image} for image in images_of(images)]
    media += [] if videos is None else [{"type": "video", "video": videos}]
    if len(media) == 1:
        return processor.prepare(
            as_frames(media[0]),
            questions,
            regions=regions or (),
            answers=None if answers is None else _many(answers),
            strict=True,
            **geometry,
        )
    if answers is not None or len(questions) != 1 or any(value is not None for value in geometry.values()):
        raise ValueError(
            f"a sample with {len(media)} images and videos takes one question, and no answers, points, seconds or poses"
        )
    content = [*media, {"type": "text", "text": questions[0]}]
    return processor.prepare_conversation([{"role": "user", "content": content}], regions or ())


def _many(texts: str | Sequence[str]) -> Sequence[str]:
    return [texts] if isinstance(texts, str) else texts
