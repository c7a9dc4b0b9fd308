"""A folder of regionized questions: written item by item, and continued after a stop."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.records.lines import parse_json, read_lines
from benchmarks.regionize.item import Regionized, VideoQuestion
from benchmarks.regionize.pipeline import Steps, regionize
from scenes.clip import Clip
from scenes.storage.atomic import write_text

ITEMS, SETTINGS = "items.jsonl", "settings.json"
DAMAGED = "the file is damaged; make the items again in a new folder"
OpenClip = Callable[[VideoQuestion], Clip]


def begin(folder: Path, settings: Mapping[str, Any]) -> tuple[dict[str, Regionized], int]:
    """Begin or continue a folder. A last line that was cut is made again, and so are items without frames.

    Returns:
        the items that are done, by name, and the number of those whose video could not be read.

    Raises:
        ValueError: the folder was made with other settings, or a file in it is damaged.
    """
    path = folder / SETTINGS
    if path.is_file():
        if read_settings(folder) != dict(settings):
            raise ValueError(f"{folder} holds items of other settings ({path}): name a new folder with --output")
    else:
        write_text(path, json.dumps(settings, indent=2) + "\n")
    items = folder / ITEMS
    if not items.is_file():
        return {}, 0
    text = items.read_bytes()
    whole = text[: text.rfind(b"\n") + 1]
    if whole != text:
        write_text(items, whole.decode("utf-8", "replace"))
    held = {item.asked.name: item for item in read_items(items)}
    done = {name: item for name, item in held.items() if item.frames}
    return done, len(held) - len(done)


def read_settings(folder: Path) -> Any:
    """Read the settings of a folder.

    Raises:
        ValueError: they are damaged.
    """
    return parse_json("".join(read_lines(folder / SETTINGS)), str(folder / SETTINGS), DAMAGED)


def read_items(path: Path) -> list[Regionized]:
    """Read the items of a file.

    Raises:
        ValueError: a line is damaged.
    """
    items = []
    for number, line in enumerate(read_lines(path), 1):
        where = f"{path} line {number}"
        fields = parse_json(line, where, DAMAGED)
        try:
            items.append(Regionized.from_json(fields))
        except ValueError as error:
            raise ValueError(f"{where} is not a regionized question ({error}): {DAMAGED}") from error
    return items


def write_items(path: Path, items: Iterable[Regionized]) -> None:
    """Write items, whole or not at all."""
    write_text(path, "".join(map(_line, items)))


def _line(item: Regionized) -> str:
    return json.dumps(item.to_json(), ensure_ascii=False) + "\n"


def regionize_all(
    questions: Iterable[VideoQuestion], open_clip: OpenClip, steps: Steps, folder: Path, done: Mapping[str, Regionized]
) -> Iterator[Regionized]:
    """Regionize the questions that are not done, and append each to the folder; questions of one video share its clip.

    A video that cannot be read drops its questions, and says why.
    """
    last: tuple[str, Clip | str] | None = None
    with (folder / ITEMS).open("a", encoding="utf-8") as file:
        for asked in questions:
            if asked.name in done:
                yield done[asked.name]
                continue
            if last is None or last[0] != asked.video:
                try:
                    last = asked.video, open_clip(asked)
                except (OSError, ValueError) as error:
                    last = asked.video, str(error)
            clip = last[1]
            item = Regionized(asked, 0, dropped=clip) if isinstance(clip, str) else regionize(asked, clip, steps)
            file.write(_line(item))
            file.flush()
            yield item


def counts(items: Iterable[Regionized]) -> Counter[str]:
    """Count items and phrases by what became of them."""
    found: Counter[str] = Counter()
    for item in items:
        found["items with regions" if item.regions else f"items dropped: {_kind(item.dropped)}"] += 1
        found.update(
            f"phrases dropped: {_kind(e.dropped)}" if e.dropped else "phrases with a region" for e in item.named
        )
    return found


def _kind(reason: str) -> str:
    """Shorten a reason to what many items share."""
    return re.split(r"[:(]", reason)[0].strip()
