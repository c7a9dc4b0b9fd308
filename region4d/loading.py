"""A trained model that answers questions about regions: `region4d.load`."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from models.queries.query import Footage, Query
from models.regions import Region
from models.sr3d.answering import Answerer
from models.sr3d.text.mentions import check_all_mentioned, mentioned
from region4d.cards.conversation import ConversationCard, check_card
from region4d.footage.scale import state_scale
from region4d.questions import check_words, footage_domain, untrained_notes
from scenes.clip import Clip
from scenes.readers.open_clip import open_clip

FRAMES = 4  # sampled from a path where the checkpoint does not say, as by `region4d ask`
log = logging.getLogger(__name__)


class LoadedModel:
    """An SR-3D with its processor, loaded from `name`. `answerer` answers many questions in batches."""

    def __init__(self, answerer: Answerer, name: str | Path) -> None:
        self.answerer, self.name = answerer, name

    def ask(
        self,
        clip: Footage | str | Path,
        question: str,
        regions: Sequence[Region | Sequence[float]] = (),
        card: str | Path | None = None,
    ) -> str:
        """Answer one question about a clip; where its scale is unknown, lengths are in "relative units".

        A question that the model was not trained on is answered, and logged with the nearest ones that it reads.

        Args:
            clip: A clip, or the path of a picture, a video or an RGB-D folder, of which as many frames are
                read as the checkpoint was trained with, else 4.
            question: Mentions every region, as `<region0>`, `<region1>`, ...
            regions: `Region`s, or boxes (x0, y0, x1, y1) in pixels of the first frame.
            card: A new .html file to write: frames, regions, points, question, answer and provenance, all inside.

        Raises:
            FileNotFoundError: There is nothing at the path.
            OSError: The card exists, or cannot be written.
            ValueError: The question mentions other regions than are given, or has a word that the model does not know.
        """
        if card is not None:
            check_card(Path(card))
        footage = (
            open_clip(clip, self.answerer.processor.video_frames or FRAMES) if isinstance(clip, str | Path) else clip
        )
        if card is not None and not isinstance(footage, Clip):
            raise ValueError(f"a card shows a region4d.Clip; got a {type(footage).__name__}: leave card out")
        mentioned(question, len(regions))
        check_all_mentioned([question], len(regions))
        check_words(self.answerer.processor, question)
        notes = footage_domain(self.answerer.processor, footage) if isinstance(footage, Clip) else []
        notes += untrained_notes(self.answerer.processor, question)
        for note in notes:
            log.warning("%s", note)
        height, width = footage.video.shape[-2:]
        marked = [one if isinstance(one, Region) else _box(one, height, width) for one in regions]
        start = time.perf_counter()
        (answer,) = self.answerer.answer([Query(footage, marked, question)])
        seconds = time.perf_counter() - start
        answer = state_scale(answer, footage.metric or self.answerer.guesses_scale)
        if card is not None and isinstance(footage, Clip):
            title = Path(clip).name if isinstance(clip, str | Path) else footage.name or "clip"
            depth, has = None if footage.depth is None else "of the clip", self.answerer.reads_depth
            call = f"region4d.load({str(self.name)!r}).ask({title!r}, {question!r})"
            written = ConversationCard(Path(card), title, self.name, footage, marked, depth, has, (), call)
            written.add(question, answer, seconds, notes)
        return answer


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
    return LoadedModel(Answerer.from_folder(name_or_folder, device, dtype, bits), name_or_folder)


def _box(box: Sequence[float], height: int, width: int) -> Region:
    if len(box) != 4:
        raise ValueError(f"a box needs four numbers, x0, y0, x1, y1 in pixels; got {len(box)}: {list(box)}")
    return Region.from_box(box, height, width)
