"""The runs of `region4d regionize`: over questions, over procedural worlds, and after a review."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
import typer
from rich.progress import track
from rich.table import Table

from benchmarks.comparison.cell import percent_cell
from benchmarks.regionize.item import Regionized
from benchmarks.regionize.outputs import ANNOTATIONS, R4D, Export, export_items, refuse_videos, stored_path
from benchmarks.regionize.phrases import FindPhrases, phrases_by_model, phrases_by_rule
from benchmarks.regionize.pipeline import Steps
from benchmarks.regionize.questions import read_questions
from benchmarks.regionize.review import agreement, apply_decisions, join_reviews, read_decisions
from benchmarks.regionize.review_page import review_pages
from benchmarks.regionize.run import (
    DAMAGED,
    ITEMS,
    SETTINGS,
    OpenClip,
    begin,
    counts,
    read_items,
    read_settings,
    regionize_all,
    write_items,
)
from benchmarks.regionize.worlds import OUTCOMES, STEPS, OracleDetector, WorldQuestions, ask_in_words, outcome, shares
from models.answerers.names import open_answers
from models.detectors import open_detector
from models.segmenters import ColourSegmenter, Segmenter, open_segmenter
from region4d.terminal import CONSOLE
from scenes.clip import Clip, uniform_frames
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd import write_rgbd_folder
from scenes.storage.atomic import write_text
from scenes.worlds import WorldConfig

ORACLE, COLOUR, RULE = "oracle", "colour", "rule"
PAGE, REVIEWED, VIDEOS = "review.html", "reviewed", "worlds"
QUESTIONS_PER_WORLD = 5
Judged = tuple[str, dict[str, str]]  # clip, and the outcome by step
WORLD = WorldConfig(height=192, width=256, frames=8, motion=True)


@dataclass(frozen=True)
class Settings:
    """What finds, segments and follows, by name, and what is read of a video."""

    detector: str
    tracker: str
    phrases: str
    threshold: float
    frames: int


def run(questions: Path, videos: Path, settings: Settings, output: Path, device: torch.device) -> None:
    """Regionize the questions of a file, continue after a stop, and write all that comes out.

    Raises:
        FileNotFoundError: the file or a checkpoint does not exist.
        ValueError: a question or a setting cannot be used, or the folder holds items of other settings.
    """
    if settings.detector == ORACLE:
        raise ValueError("--detector oracle knows procedural worlds alone: give --worlds N, or a detector")
    asked = list(read_questions(questions))
    detector = open_detector(settings.detector, settings.threshold, device)
    steps = Steps(open_phrases(settings.phrases, device), detector, open_tracker(settings.tracker, device))
    done = resume(output, described(settings, videos, output, digest(questions)))
    clips = clip_reader(videos, settings.frames)
    made = regionize_all(asked, clips, steps, output, done)
    finish_run(list(track(made, "regionizing", len(asked))), clips, videos, output)


def run_worlds(number: int, settings: Settings, output: Path, device: torch.device) -> None:
    """Regionize questions about procedural worlds, and print how many of their regions are right; errors as `run`."""
    network = None if settings.detector == ORACLE else open_detector(settings.detector, settings.threshold, device)
    find, segmenter = open_phrases(settings.phrases, device), open_tracker(settings.tracker, device)
    videos = output / VIDEOS
    done = resume(output, described(settings, videos, output, f"{number} worlds"))
    clips = clip_reader(videos, settings.frames)
    items: list[Regionized] = []
    judged: list[Judged] = []
    for seed in track(range(number), "regionizing"):
        world = ask_in_words(seed, QUESTIONS_PER_WORLD, WORLD)
        if not (videos / world.clip.name).exists():
            write_rgbd_folder(world.clip, videos / world.clip.name)
        steps = Steps(find, network or OracleDetector(world.clip), segmenter)
        made = list(regionize_all(world.asked, clips, steps, output, done))
        items += made
        judged += judge(made, world, settings.frames)
    finish_run(items, clips, videos, output)
    title = f"{len(judged)} questions, {number} worlds, detector {settings.detector}, tracker {settings.tracker}"
    CONSOLE.print(outcome_table(judged, title))


def run_review(decisions: Sequence[Path], output: Path, device: torch.device) -> None:
    """Apply a review to the items of a folder, into `reviewed`, and print how far it agrees.

    Raises:
        FileNotFoundError: there are no such decisions, or no items.
        ValueError: the decisions are of other items, or a file is damaged.
    """
    reviews = {path: read_decisions(path) for path in decisions}
    if not (output / SETTINGS).is_file() or not (output / ITEMS).is_file():
        raise FileNotFoundError(f"{output} holds no regionized questions: give the folder of the run as --output")
    said = join_reviews(reviews, digest(output / ITEMS))
    items = read_items(output / ITEMS)
    match read_settings(output):
        case {"videos": str(stored), "frames": int(frames), "tracker": str(tracker)} if frames > 0:
            videos, folder = output / stored, output / REVIEWED
        case _:
            raise ValueError(f"{output / SETTINGS} does not hold the settings of a run: {DAMAGED}")
    clips = clip_reader(videos, frames)
    done = apply_decisions(items, said, clips, open_tracker(tracker, device))
    write_items(folder / ITEMS, done)
    exported = export_items(done, clips, videos, folder, output)
    agreed = agreement(items, said)
    typer.echo(", ".join(f"{count} {name}" for name, count in agreed.decided.items()))
    if agreed.accepted is not None:
        typer.echo(f"accepted of the reviewed items with regions: {percent_cell(agreed.accepted)}")
    typer.echo(f"{exported.items} of {len(items)} items have regions: {folder}")
    print_export(exported)


def resume(output: Path, settings: Mapping[str, Any]) -> dict[str, Regionized]:
    """Begin or continue a folder, and say what is tried again; errors as `begin` and `refuse_videos`."""
    refuse_videos(output)
    done, unread = begin(output, settings)
    if unread:
        typer.echo(f"{unread} items whose video could not be read are tried again")
    return done


def digest(path: Path) -> str:
    """Compute the sha256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def open_phrases(name: str, device: torch.device) -> FindPhrases:
    """Open what finds the phrases of a question; errors as `open_answers`."""
    return phrases_by_rule if name == RULE else phrases_by_model(open_answers(f"text:{name}", str(device)))


def open_tracker(name: str, device: torch.device) -> Segmenter:
    """Open what segments and follows a box; errors as `open_segmenter`."""
    return ColourSegmenter() if name == COLOUR else open_segmenter(name, "click", device)


def described(settings: Settings, videos: Path, output: Path, questions: str) -> dict[str, Any]:
    """Describe a run, for a later one in the same folder."""
    return {**asdict(settings), "videos": str(stored_path(videos, output)), "questions": questions}


def clip_reader(videos: Path, frames: int) -> OpenClip:
    """Read the video of a question; the one that was read last stays."""

    @lru_cache(maxsize=1)
    def read(video: str) -> Clip:
        return open_clip(videos / video, frames)

    return lambda asked: read(asked.video)


def judge(items: Sequence[Regionized], world: WorldQuestions, frames: int) -> list[Judged]:
    """Pair the clip of every item with its outcomes, by step."""
    clip = world.clip.frames(uniform_frames(len(world.clip), frames))
    return [
        (item.asked.video, {step: outcome(item, objects, clip, step) for step in STEPS})
        for item, objects in zip(items, world.objects, strict=True)
    ]


def outcome_table(judged: Sequence[Judged], title: str) -> Table:
    """Tabulate the shares of the outcomes by step, with intervals over clips."""
    table = Table("judged by its", *OUTCOMES, title=title, caption="of all items, with 95 % intervals over worlds")
    for step in STEPS:
        found = shares([(clip, said[step]) for clip, said in judged])
        table.add_row(step, *(percent_cell(estimate) for _, estimate in found))
    return table


def finish_run(items: Sequence[Regionized], clips: OpenClip, videos: Path, output: Path) -> None:
    """Write the items in their order, the pages for review and both layouts, and print what became of the items."""
    write_items(output / ITEMS, items)
    for name, page in review_pages(items, clips, f"Regions of {output.name}", digest(output / ITEMS)):
        write_text(output / name, page)
    exported = export_items(items, clips, videos, output, output)
    for what, count in counts(items).most_common():
        typer.echo(f"{count} {what}")
    if unread := sum(not item.frames for item in items):
        typer.echo(f"{unread} items have a video that could not be read: the same command tries them again")
    print_export(exported)
    typer.echo(f"review: {output / PAGE}")


def print_export(done: Export) -> None:
    """Print how many items both layouts hold, and why others are left out."""
    typer.echo(f"{done.annotations} items in {ANNOTATIONS}, {done.r4d} in {R4D}")
    for why, count in done.left_out.most_common():
        typer.echo(f"{count} items left out of {why}")
