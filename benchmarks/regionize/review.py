"""A review by a person: a page that works from a file, the decisions that it saves, and what they change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.regionize.item import Candidate, GroundedPhrase, Regionized, box_of
from benchmarks.regionize.outputs import draw_item
from benchmarks.regionize.pipeline import finish, follow_named
from benchmarks.regionize.run import OpenClip
from benchmarks.regionize.worlds import share
from models.regions.drawing import region_colour
from models.segmenters import Segmenter
from scenes.clip import Clip
from scenes.drawing.data_url import jpeg_url

TEMPLATE = Path(__file__).parent / "templates" / "review.html"
PLACE = "/*ITEMS*/"
FORMAT = "region4d review 1"
DECISIONS = ("accept", "correct", "drop")
FRAMES = 3  # of an item that show where its phrases were found, beside the last one
BY_PERSON = 1.0  # score of a box that a person drew


@dataclass(frozen=True)
class Agreement:
    """How a person judged the items that were reviewed, and the share that was accepted as it was."""

    decided: Mapping[str, int]
    accepted: Estimate | None


def review_page(items: Iterable[Regionized], open_clip: OpenClip, title: str) -> str:
    """Build the page: all items with a frame, their candidates and last frame; nothing is loaded from elsewhere."""
    shown = [_shown(item, open_clip(item.asked)) for item in items if item.frames]
    data = {"format": FORMAT, "title": title, "items": shown}
    text = json.dumps(data, ensure_ascii=False).replace("</", "<\\/")  # so that no text ends the script
    return TEMPLATE.read_text(encoding="utf-8").replace(PLACE, text)


def _shown(item: Regionized, clip: Clip) -> dict[str, Any]:
    height, width = clip.size
    found = sorted({each.candidates[0].frame for each in item.named if each.candidates}) or [0]
    last = max((max(each.masks) for each in item.regions), default=len(clip) - 1)
    frames = list(dict.fromkeys([*found[:FRAMES], last]))
    return {
        "id": item.asked.name,
        "question": item.asked.question,
        "options": list(item.asked.options),
        "answer": item.asked.answer,
        "dropped": item.dropped,
        "size": [width, height],
        "pictures": [{"frame": frame, "url": _url(draw_item(item, clip, frame))} for frame in frames],
        "named": [_named(each, colour) for each, colour in zip(item.named, _colours(item), strict=True)],
    }


def _colours(item: Regionized) -> list[tuple[int, int, int]]:
    """Colour phrases: with a region as their mask is drawn, the others after these."""
    kept = [k for k, each in enumerate(item.named) if each in item.regions]
    order = [*kept, *(k for k in range(len(item.named)) if k not in kept)]
    return [region_colour(order.index(k)) for k in range(len(item.named))]


def _named(named: GroundedPhrase, colour: tuple[int, int, int]) -> dict[str, Any]:
    return {
        "words": named.phrase.words,
        "spans": named.phrase.spans,
        "colour": "rgb({},{},{})".format(*colour),
        "chosen": named.chosen if not named.dropped else None,
        "dropped": named.dropped,
        "candidates": [{"frame": c.frame, "box": c.box, "score": round(c.score, 3)} for c in named.candidates],
    }


def _url(picture: Image.Image, side: int = 480) -> str:
    scale = min(1.0, side / max(picture.size))
    small = picture.resize((round(scale * picture.width), round(scale * picture.height)))
    return jpeg_url(small)


def read_decisions(path: Path) -> dict[str, Mapping[str, Any]]:
    """Read the decisions that the page saved, by item.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not of the page.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no decisions '{path}': save them on the review page")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON ({error.msg}): save the decisions again") from error
    known = isinstance(content, Mapping) and content.get("format") == FORMAT
    if not known or not isinstance(content.get("items"), Mapping):
        raise ValueError(f"{path} holds no decisions of a review page ('{FORMAT}')")
    for name, each in content["items"].items():
        if not isinstance(each, Mapping) or each.get("decision") not in DECISIONS:
            raise ValueError(f"{path}, item {name}: a decision is one of {', '.join(DECISIONS)}; got {each!r}")
    return dict(content["items"])


def apply_decisions(
    items: Sequence[Regionized], decisions: Mapping[str, Mapping[str, Any]], open_clip: OpenClip, segmenter: Segmenter
) -> list[Regionized]:
    """Apply a review: drop items, and follow the boxes that were corrected.

    Raises:
        ValueError: a decision is of an item or phrase that there is not, or a box cannot be used.
    """
    if unknown := sorted(set(decisions) - {item.asked.name for item in items}):
        raise ValueError(f"the review is of other questions: there is no item '{unknown[0]}'")
    done = []
    for item in items:
        decision = decisions.get(item.asked.name)
        if decision is not None and decision["decision"] == "drop":
            item = replace(item, dropped="dropped in review")
        elif decision is not None and decision["decision"] == "correct":
            item = _correct(item, decision.get("regions", {}), open_clip(item.asked), segmenter)
        done.append(item)
    return done


def _correct(item: Regionized, changes: Mapping[str, Any], clip: Clip, segmenter: Segmenter) -> Regionized:
    """Put the boxes of a person in place of what was chosen; None drops a phrase."""
    named = list(item.named)
    for key, change in changes.items():
        if not key.isdigit() or int(key) >= len(named):
            raise ValueError(f"item {item.asked.name} has no phrase {key}")
        k = int(key)
        if change is None:
            named[k] = replace(named[k], chosen=None, masks={}, dropped="dropped in review")
            continue
        if not isinstance(change, Mapping) or not {"frame", "box"} <= set(change):
            raise ValueError(f"item {item.asked.name}, phrase {key}: give a frame and a box, or null; got {change!r}")
        if not isinstance(change["frame"], int) or not 0 <= change["frame"] < len(clip):
            raise ValueError(f"item {item.asked.name}: there is no frame {change['frame']}")
        drawn = Candidate(change["frame"], box_of(change["box"]), BY_PERSON)
        chosen = next((c for c in named[k].candidates if (c.frame, c.box) == (drawn.frame, drawn.box)), drawn)
        candidates = named[k].candidates if chosen is not drawn else (*named[k].candidates, drawn)
        named[k] = replace(named[k], candidates=candidates, chosen=candidates.index(chosen), dropped="")
    changed = {int(key) for key, change in changes.items() if change is not None}
    followed = follow_named([each if k in changed else _kept(each) for k, each in enumerate(named)], clip, segmenter)
    whole = tuple(followed[k] if k in changed else named[k] for k in range(len(named)))
    return finish(replace(item, named=whole, dropped=""))


def _kept(named: GroundedPhrase) -> GroundedPhrase:
    """Mark a phrase that is not followed again."""
    return replace(named, dropped=named.dropped or "kept")


def agreement(items: Sequence[Regionized], decisions: Mapping[str, Mapping[str, Any]]) -> Agreement:
    """Count the decisions, and estimate the share of accepted items that have regions, resampling videos."""
    decided = {name: sum(each["decision"] == name for each in decisions.values()) for name in DECISIONS}
    judged = [item for item in items if item.regions and item.asked.name in decisions]
    accepted = [decisions[item.asked.name]["decision"] == "accept" for item in judged]
    return Agreement(decided, share(accepted, [item.asked.video for item in judged]) if judged else None)
