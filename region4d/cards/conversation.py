"""The card of the questions that one model is asked about a clip."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from benchmarks.records.manifest import checkpoint_hash
from models.regions import Region
from region4d.cards.answer_card import ShownClip, card_html, clip_facts
from region4d.cards.answers import Answer, answer_cards, with_option
from region4d.footage.notes import given_to
from scenes.clip import Clip
from scenes.storage.atomic import write_text
from scenes.storage.destinations import refuse_unwritable

SUFFIXES = (".html", ".htm")


def check_card(path: Path) -> None:
    """Refuse a file that no card can be written to, before the work starts.

    Raises:
        OSError: it exists, or cannot be written.
        ValueError: its name does not end as that of a page.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"a card is a page for a browser, so '{path}' must end in .html")
    refuse_unwritable(path)


class ConversationCard:
    """A card that is written again, in one step, after every answer.

    Args:
        path: of the file.
        title: names the footage.
        model: name or folder of the checkpoint.
        clip: as the model is given it.
        regions: as the model is given them.
        depth: origin of the depth; None where there is none.
        reads_depth: whether the model reads it.
        notes: on the footage, one line each.
        call: command line, or Python call, that asks.
    """

    def __init__(
        self,
        path: Path,
        title: str,
        model: str | Path,
        clip: Clip,
        regions: Sequence[Region],
        depth: str | None,
        reads_depth: bool,
        notes: Sequence[str],
        call: str,
    ) -> None:
        self.path, self.title, self.name = path, title, Path(model).name
        self.clip, self.regions = clip, regions
        self.given = [*given_to(clip, depth, reads_depth), *notes]
        self.facts = [("asked by", call), ("model", str(model)), ("weights", _weights(model)), *clip_facts(clip, depth)]
        self.asked: list[str] = []

    @cached_property
    def shown(self) -> ShownClip:
        """Frames and points, drawn once, after the first answer."""
        return ShownClip.of(self.clip, self.regions)

    def add(self, question: str, answer: str, seconds: float, notes: Sequence[str] = ()) -> None:
        """Add a question with its answer, the time that it took, and notes about it; write the card."""
        said = Answer(self.name, with_option(answer, question), seconds, [*self.given, *notes])
        self.asked.append(answer_cards(question, [said], None))
        now = ("date", datetime.now(UTC).isoformat(" ", "seconds"))
        write_text(self.path, card_html(self.title, self.shown, self.asked, [*self.facts, now]))


def _weights(model: str | Path) -> str:
    try:
        return f"SHA-256 {checkpoint_hash(Path(model))}"
    except FileNotFoundError:
        return "not hashed: the checkpoint has no .safetensors files"
