"""Opening what a visitor chooses: an upload, a path inside the folders of the server, or a world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import torch

from models.regions import tight_box
from region4d.app.folders import allowed_path
from region4d.app.marks import BoxMark, CanvasMark
from region4d.app.settings import MOST_FRAMES, Settings
from region4d.footage import FrameChoice, GeometrySource
from region4d.footage.geometry import CameraOrigin, locate
from region4d.footage.marked_clip import read_frames
from scenes.clip import Clip
from scenes.questions import DYNAMIC, LETTERS, STATIC, Question, ask_about, region_of
from scenes.readers.image_files import IMAGE_SUFFIXES
from scenes.readers.video.listing import list_frames
from scenes.worlds import WorldConfig, make_world, render

WORLD_SIZE = (240, 320)  # height and width of a world
WORLD_QUESTIONS = 8
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class KnownQuestion:
    """A question about a world with the marks that it mentions and its exact answer."""

    text: str
    truth: str
    marks: tuple[BoxMark, ...]


@dataclass(frozen=True)
class Opened:
    """A clip that one visitor opened. `depth` and `camera` name the origins of its geometry; `key` is its own."""

    clip: Clip
    title: str
    kind: str
    depth: str | None
    camera: CameraOrigin
    remarks: tuple[str, ...] = ()
    questions: tuple[KnownQuestion, ...] = ()
    key: str = field(default_factory=lambda: uuid4().hex, compare=False)

    def truth(self, question: str, marks: Sequence[CanvasMark]) -> str | None:
        """Find the exact answer, where the question and its regions are those of this world."""
        asked = (question.strip(), set(marks))
        return next((each.truth for each in self.questions if (each.text, set(each.marks)) == asked), None)


def open_upload(path: Path, name: str, frames: int, settings: Settings) -> Opened:
    """Open an uploaded video or picture and delete the file, whatever happens.

    Args:
        path: where the upload lies.
        name: what the visitor called it.
        frames: how many are sampled uniformly.
        settings: of the server.

    Raises:
        ValueError: it is too large, too long, or neither a video nor a picture.
    """
    try:
        if path.stat().st_size > settings.max_upload_bytes:
            raise ValueError(f"{path} is larger than {settings.max_upload_mb} MB; upload a smaller file")
        return _open_file(path, frames, settings)
    except (ValueError, OSError) as error:
        raise ValueError(str(error).replace(str(path), f"'{name}'")) from error
    finally:
        path.unlink(missing_ok=True)


def open_listed(text: str, frames: int, settings: Settings) -> Opened:
    """Open a video, a picture or an RGB-D folder inside the folders of the server.

    Raises:
        ValueError: the path is outside of them, or cannot be read.
    """
    path = allowed_path(text, settings.folders)
    try:
        return _open_file(path, frames, settings)
    except OSError as error:
        raise ValueError(str(error)) from error


def open_world(seed: int, frames: int, motion: bool) -> Opened:
    """Render a world, and ask questions about it whose exact answers are known.

    Raises:
        ValueError: the seed or the number of frames is out of range.
    """
    clip = render_world(seed, frames, motion)
    generator = torch.Generator().manual_seed(seed)
    categories = [category.name for category in (*STATIC, *(DYNAMIC if motion else ()))]
    asked = ask_about(clip, generator, categories=categories, total=WORLD_QUESTIONS)
    questions = tuple(_known(clip, question) for question in asked)
    return Opened(clip, f"world {seed}", "procedural world", "exact, of the world", "footage", (), questions)


def render_world(seed: int, frames: int, motion: bool, flow: bool = False) -> Clip:
    """Render a world; errors as `open_world` has them. `flow` adds what its preview needs."""
    if not 0 <= seed <= LARGEST_SEED:
        raise ValueError(f"a seed is a number from 0 to {LARGEST_SEED}; got {seed}")
    _check_frames(frames)
    height, width = WORLD_SIZE
    world = make_world(seed, WorldConfig(height=height, width=width, frames=frames, motion=motion))
    (clip,) = render([world], "cpu", ("normals", "backward_flow") if flow else ())
    return clip


def _open_file(path: Path, frames: int, settings: Settings) -> Opened:
    _check_frames(frames)
    kind = "RGB-D folder" if path.is_dir() else "picture" if path.suffix.lower() in IMAGE_SUFFIXES else "video"
    if kind == "video":
        _refuse_long(path, settings.max_seconds)
    clip = read_frames(path, FrameChoice(frames), GeometrySource())
    geometry = settings.geometry if clip.depth is None else GeometrySource()
    located = locate(clip, geometry, geometry.provider())
    remarks: list[str] = []
    if clip.full_size is not None:
        remarks.append(f"frames of {clip.full_size[1]}x{clip.full_size[0]} were read smaller to fit into memory")
    opened = replace(located.clip, full_size=None)  # regions are drawn in pixels of the frames as they are shown
    return Opened(opened, path.name, kind, located.depth, located.camera, tuple(remarks))


def _check_frames(frames: int) -> None:
    if not 1 <= frames <= MOST_FRAMES:
        raise ValueError(f"a clip has from 1 to {MOST_FRAMES} frames here; got {frames}")


def _refuse_long(path: Path, most: float) -> None:
    listing = list_frames(path)
    seconds = max(listing.duration, float((listing.times[-1] - listing.times[0]) * listing.time_base))
    if seconds > most:
        raise ValueError(f"{path} lasts {seconds:.0f} s; this server takes {most:.0f} s: cut it")


def _known(clip: Clip, question: Question) -> KnownQuestion:
    marks = [mark for k, place in enumerate(question.objects) for mark in _tight_boxes(clip, k, place)]
    chosen = f": {question.options[LETTERS.index(question.answer)]}" if question.options else ""
    truth = question.answer + chosen
    return KnownQuestion(question.text, truth, tuple(marks))


def _tight_boxes(clip: Clip, region: int, place: int) -> list[BoxMark]:
    """Mark an object by the tight box of its pixels in every frame that shows it."""
    masks = region_of(clip, place).masks
    return [BoxMark(region, frame, *tight_box(mask)) for frame, mask in masks.items()]
