"""Reading all of a file of training data before a training does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from PIL import Image

from scenes.clip import Clip
from scenes.drawing.regions import add_caption, contact_sheet, draw_answer
from training.annotations.files import AnnotationFile
from training.annotations.line import Annotation
from training.annotations.media import open_annotation

COUNTED = ("media", "frames", "marks", "turns of a conversation", "licence")
SHOWN = 12  # samples of a contact sheet
SIDE = 420  # pixels: longest side of one


@dataclass
class Findings:
    """What a file holds, and what is wrong with it, one line each."""

    lines: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in COUNTED})
    errors: list[str] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)

    def summary(self) -> str:
        """Write the counts, one line each."""
        rows = [
            f"{name}: {', '.join(f'{n} {what}' for what, n in count.most_common()) or 'none'}"
            for name, count in self.counts.items()
        ]
        return "\n".join([f"lines: {self.lines}, of which {len(self.errors)} cannot be used", *rows])

    def sheet(self) -> Image.Image:
        """Lay out the pictures of samples."""
        return contact_sheet(self.pictures, columns=3)


def check_file(file: AnnotationFile, frames: int, progress: Iterable[int] | None = None) -> Findings:
    """Read every line with its media and regions; draw up to twelve of them, spread over the file.

    Args:
        file: the file.
        frames: how many are sampled of a video or folder where a line does not say.
        progress: the numbers of the lines, for a bar.
    """
    found = Findings()
    drawn = {round(place * (len(file) - 1) / max(1, SHOWN - 1)) for place in range(SHOWN)}
    for index in range(len(file)) if progress is None else progress:
        found.lines += 1
        try:
            annotation = file[index]
            clip, regions = open_annotation(annotation, file.path.parent, frames)
        except (ValueError, OSError) as error:
            where = file.where(index)
            found.errors.append(str(error) if str(error).startswith(where) else f"{where}: {error}")
            continue
        for name, what in _features(annotation, clip):
            found.counts[name][what] += 1
        if index in drawn:
            turn = annotation.conversations[0][0]
            picture = _text_alone() if clip is None else draw_answer(clip, regions, turn.question, turn.answer)
            if clip is None:
                picture = add_caption(picture, [f"Q: {turn.question}", f"A: {turn.answer}"])
            picture.thumbnail((SIDE, SIDE))
            found.pictures.append(picture)
    return found


def _features(annotation: Annotation, clip: Clip | None) -> Iterator[tuple[str, str]]:
    media = "none" if annotation.media is None else annotation.media.kind
    depth = "" if clip is None or clip.depth is None else " with depth"
    yield "media", media + depth + (" of unknown scale" if clip is not None and depth and not clip.metric else "")
    if clip is not None:
        yield "frames", f"of {len(clip)}"
    for marks in annotation.regions:
        for mark in marks:
            yield "marks", mark.kind
    for turns in annotation.conversations:
        yield "turns of a conversation", f"of {len(turns)}"
    yield "licence", annotation.licence or "not said"


def _text_alone() -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE // 4), (235, 235, 235))
