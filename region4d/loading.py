"""A trained model that answers questions about regions: `region4d.load`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from models.regions import Region
from models.sr3d.answering import Answerer, Footage, Query
from models.sr3d.text.mentions import check_all_mentioned, mentioned
from region4d.footage.scale import state_scale
from region4d.questions import check_words, untrained_notes
from scenes.readers.open_clip import open_clip

FRAMES = 4  # sampled from a path where the checkpoint does not say, as by `region4d ask`
log = logging.getLogger(__name__)


class LoadedModel:
    """An SR-3D with its processor. `answerer` answers many questions in batches."""

    def __init__(self, answerer: Answerer) -> None:
        self.answerer = answerer

    def ask(self, clip: Footage | str | Path, question: str, regions: Sequence[Region | Sequence[float]] = ()) -> str:
        """Answer one question about a clip; where its scale is unknown, lengths are in "relative units".

        A question that the model was not trained on is answered, and logged with the nearest ones that it reads.

        Args:
            clip: A clip, or the path of a picture, a video or an RGB-D folder, of which as many frames are
                read as the checkpoint was trained with, else 4.
            question: Mentions every region, as `<region0>`, `<region1>`, ...
            regions: `Region`s, or boxes (x0, y0, x1, y1) in pixels of the first frame.

        Raises:
            FileNotFoundError: There is nothing at the path.
            ValueError: The question mentions other regions than are given, or has a word that the model does not know.
        """
        footage = (
            open_clip(clip, self.answerer.processor.video_frames or FRAMES) if isinstance(clip, str | Path) else clip
        )
        mentioned(question, len(regions))
        check_all_mentioned([question], len(regions))
        check_words(self.answerer.processor, question)
        for note in untrained_notes(self.answerer.processor, question):
            log.warning("%s", note)
        height, width = footage.video.shape[-2:]
        marked = [one if isinstance(one, Region) else _box(one, height, width) for one in regions]
        (answer,) = self.answerer.answer([Query(footage, marked, question)])
        return state_scale(answer, footage.metric or self.answerer.guesses_scale)


def load(
    name_or_folder: str | Path = "sr3d_tiny_3d",
    device: str | None = None,
    dtype: str | None = None,
    bits: int | None = None,
) -> LoadedModel:
    """Load a trained SR-3D.

    Args:
        name_or_folder: A checkpoint that comes with region4d; a folder, exported by `region4d train` or in VILA's
            layout; or the name of such a model on the Hub.
        device: "cpu", "cuda", "cuda:N", or "auto" (spread over the GPUs); by default a GPU where there is one.
        dtype: Of the weights, such as "bfloat16"; by default as saved, bfloat16 of a folder in VILA's layout.
        bits: 4 or 8, to quantise the language model; needs bitsandbytes.

    Raises:
        ImportError: bitsandbytes is missing.
        OSError: There is no such folder or model.
        ValueError: The folder holds no SR-3D, or dtype or bits are unknown.
    """
    return LoadedModel(Answerer.from_folder(name_or_folder, device, dtype, bits))


def _box(box: Sequence[float], height: int, width: int) -> Region:
    if len(box) != 4:
        raise ValueError(f"a box needs four numbers, x0, y0, x1, y1 in pixels; got {len(box)}: {list(box)}")
    return Region.from_box(box, height, width)
