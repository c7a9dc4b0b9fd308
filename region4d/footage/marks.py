"""Pointing at regions on the command line: `--region`, `--point`, `--mask`, `--click`, `--text`: `[K:]what[@frame]`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jaxtyping import Bool
from torch import Tensor

from models.regions import Region
from models.segmenters import Click
from models.sr3d.text.mentions import mention, mentioned
from region4d.flags import read_numbers
from scenes.clip import Clip
from scenes.readers.image_files import list_images
from scenes.readers.masks.mask_file import read_mask
from scenes.readers.masks.mask_folder import read_mask_folder

Kind = Literal["mask", "region", "point", "click", "text"]
PROMPTS = ("click", "text")  # kinds that a segmenter turns into masks
OUTSIDE = "not:"  # of a click that is not part of the object
BOX_FORMS = {"xyxy:": False, "xywh:": True}
RADIUS = 0.02  # of a point without a radius, relative to the shorter side of the frame
_FORM = re.compile(r"(?:(?P<index>\d+):)?(?P<what>.+?)(?:@(?P<frame>\d+))?")


@dataclass(frozen=True)
class Pointer:
    """One value of a flag: it points at region `index`. `what` is its text without index and frame.

    `given_frame` is None where the text names no frame: frame 0, or all frames of a folder of masks.
    """

    kind: Kind
    text: str
    index: int
    what: str
    given_frame: int | None = None

    @property
    def frame(self) -> int:
        """The frame that it points at."""
        return self.given_frame or 0

    @property
    def flag(self) -> str:
        """The flag with its value, for errors."""
        return f"--{self.kind} '{self.text}'"

    def click(self, clip: Clip) -> Click:
        """Read a click, `x,y` or `not:x,y` in pixels of the file, into pixels of the clip.

        Raises:
            ValueError: the frame does not exist, or the point is malformed or outside the frame.
        """
        self.check_frame(len(clip))
        inside = not self.what.startswith(OUTSIDE)
        height, width = clip.full_size or clip.size
        x, y = read_numbers(self.kind, self.text, self.what.removeprefix(OUTSIDE), 2)
        try:
            Region.from_points([(x, y)], 0, height, width)
        except ValueError as error:
            raise ValueError(f"{self.flag}: {error}") from error
        return Click(self.frame, x * clip.size[1] / width, y * clip.size[0] / height, inside)

    def marks(self, clip: Clip) -> list[Mark]:
        """Draw the masks in a clip: one, or those of a folder of masks in the frames that show the object.

        They are drawn in pixels of the file, also where its frames were read smaller.

        Raises:
            FileNotFoundError: the mask file does not exist.
            ValueError: the frame does not exist, or the mask is malformed, empty or outside the frame.
        """
        size = clip.full_size or clip.size
        path, label = self._file()
        if self.kind != "mask" or not path.is_dir():
            return [self.mark(size, len(clip))]
        names = self._frame_names(path, clip)
        self.check_frame(len(clip))
        masks = read_mask_folder(path, names, *size, label)
        if self.given_frame is None:
            return [Mark(self, frame, mask) for frame, mask in masks.items()]
        if self.given_frame not in masks:
            raise ValueError(f"{self.flag}: the folder has no mask of the object in frame {self.given_frame}")
        return [Mark(self, self.given_frame, masks[self.given_frame])]

    def mark(self, size: tuple[int, int], frames: int) -> Mark:
        """Draw the mask in a clip of `frames` frames of `size` (height, width).

        Raises:
            FileNotFoundError: the mask file does not exist.
            ValueError: the frame does not exist, or the mask is malformed, empty or outside the frame.
        """
        self.check_frame(frames)
        mask = self._draw(*size)
        if not bool(mask.any()):
            raise ValueError(f"region {self.index} ({self.what}) is empty: mark the pixels of the object")
        return Mark(self, self.frame, mask)

    def check_frame(self, frames: int) -> None:
        """Raise ValueError where the clip does not have the frame."""
        if self.frame >= frames:
            known = "1 frame is used (frame 0)" if frames == 1 else f"{frames} frames are used (0 to {frames - 1})"
            raise ValueError(f"{self.flag} names frame {self.frame}, but {known}")

    def _file(self) -> tuple[Path, int | None]:
        """Split FILE#LABEL; a file whose own name ends so is taken whole."""
        label = None if Path(self.what).exists() else re.fullmatch(r"(.+)#(\d+)", self.what)
        return (Path(label[1]), int(label[2])) if label else (Path(self.what), None)

    def _frame_names(self, folder: Path, clip: Clip) -> Sequence[str]:
        """Name the frames of a clip; one without names takes the masks of a folder in order, one a frame."""
        if clip.frame_names:
            return clip.frame_names
        masks = list_images(folder)
        if len(masks) != len(clip):
            raise ValueError(
                f"{self.flag} holds {len(masks)} masks, but {len(clip)} frames of this input are used, which have no "
                "names to tell which; use a folder with one mask for each frame that is used"
            )
        return [mask.stem for mask in masks]

    def _draw(self, height: int, width: int) -> Bool[Tensor, "height width"]:
        if self.kind == "mask":
            path, label = self._file()
            return read_mask(path, height, width, label)
        try:
            if self.kind == "region":
                return Region.from_box(self._corners(), height, width).masks[0]
            x, y, *given = read_numbers(self.kind, self.text, self.what, 2, 3)
            radius = given[0] if given else RADIUS * min(height, width)
            return Region.from_points([(x, y)], radius, height, width).masks[0]
        except ValueError as error:
            if self.flag in str(error):
                raise
            raise ValueError(f"{self.flag}: {error}") from error

    def _corners(self) -> tuple[float, ...]:
        """Read x0,y0,x1,y1 or xywh:x,y,width,height."""
        form = re.match(r"[a-z]+:", self.what)
        if form is not None and form[0] not in BOX_FORMS:
            raise ValueError(f"{self.flag} has the form '{form[0]}'; use x0,y0,x1,y1 or xywh:x,y,width,height")
        numbers = read_numbers(self.kind, self.text, self.what[form.end() if form else 0 :], 4)
        if form is None or not BOX_FORMS[form[0]]:
            return numbers
        x, y, width, height = numbers
        return x, y, x + width, y + height


@dataclass(frozen=True)
class Mark:
    """The mask that a pointer draws in a frame of a clip."""

    pointer: Pointer
    frame: int
    mask: Bool[Tensor, "height width"]

    @property
    def index(self) -> int:
        """The region that is marked."""
        return self.pointer.index


def parse_pointers(
    boxes: Sequence[str],
    points: Sequence[str],
    masks: Sequence[str],
    clicks: Sequence[str] = (),
    texts: Sequence[str] = (),
) -> list[Pointer]:
    """Read the values of `--region`, `--point`, `--mask`, `--click` and `--text`.

    `K:` may be left out as long as it is left out everywhere and one kind of flag is used: its values are then regions
    0, 1, ... in the order given. Several values with the same K mark one region, in one frame or in many.

    Raises:
        ValueError: a value is malformed, only some have a number, or the numbers have a gap.
    """
    kinds: dict[Kind, Sequence[str]] = {
        "mask": masks,
        "region": boxes,
        "point": points,
        "click": clicks,
        "text": texts,
    }
    values = [(kind, text, _parse(kind, text)) for kind, texts in kinds.items() for text in texts]
    bare = [(kind, text) for kind, text, form in values if form["index"] is None]
    if bare and (len(bare) < len(values) or len({kind for kind, _ in bare}) > 1):
        kind, text = bare[-1]
        raise ValueError(f"--{kind} '{text}' needs a number; write K: before every region, as in --{kind} 1:{text}")
    pointers = [
        Pointer(
            kind,
            text,
            place if bare else int(form["index"]),
            form["what"],
            None if form["frame"] is None else int(form["frame"]),
        )
        for place, (kind, text, form) in enumerate(values)
    ]
    numbers = sorted({pointer.index for pointer in pointers})
    if numbers != list(range(len(numbers))):
        raise ValueError(f"regions are numbered 0, 1, ... without a gap; got {numbers}")
    return pointers


def _parse(kind: Kind, text: str) -> re.Match[str]:
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError(f"--{kind} '{text}' is malformed; write [K:]...[@frame], as in --region 0:10,20,110,220@0")
    return form


def regions_of(marks: Sequence[Mark]) -> list[Region]:
    """Join the marks of each region; item k is `<region k>` of a question."""
    masks: dict[int, dict[int, Tensor]] = defaultdict(dict)
    for mark in marks:
        known = masks[mark.index].get(mark.frame)
        masks[mark.index][mark.frame] = mark.mask if known is None else known | mark.mask
    return [Region(masks[index], f"region{index}") for index in sorted(masks)]


def check_mentions(question: str, pointers: Sequence[Pointer], all_mentioned: bool = True) -> None:
    """Refuse a mention without a region and, with `all_mentioned`, a region without a mention.

    Raises:
        ValueError: the question and the flags name different regions.
    """
    mentions, given = set(mentioned(question)), {pointer.index for pointer in pointers}
    for k in sorted(mentions - given):
        raise ValueError(f"the question mentions {mention(k)}, which was not given; add --region {k}:x0,y0,x1,y1")
    for pointer in pointers:
        if all_mentioned and pointer.index not in mentions:
            raise ValueError(
                f"{pointer.flag} was given, but the question does not mention {mention(pointer.index)}; mention it "
                "or leave it out"
            )
