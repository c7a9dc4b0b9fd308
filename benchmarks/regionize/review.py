"""A review by a person: the decisions that its page saves, and what they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.comparison.bootstrap import Estimate
from benchmarks.records.lines import parse_json, read_lines
from benchmarks.regionize.item import Candidate, GroundedPhrase, Regionized, box_of
from benchmarks.regionize.pipeline import finish, follow_named
from benchmarks.regionize.run import OpenClip
from benchmarks.regionize.worlds import share
from models.segmenters import Segmenter
from scenes.clip import Clip

FORMAT = "region4d review 2"
DECISIONS = ("accept", "correct", "drop")
BY_PERSON = 1.0  # score of a box that a person drew


@dataclass(frozen=True)
class Review:
    """The decisions of a page by item, and the sha256 of the file of items that it showed."""

    items_sha256: str
    decisions: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Agreement:
    """How a person judged the items that were reviewed, and the share that was accepted as it was."""

    decided: Mapping[str, int]
    accepted: Estimate | None


def read_decisions(path: Path) -> Review:
    """Read the decisions that a page saved.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not of a page.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no decisions '{path}': save them on the review page")
    content = parse_json("".join(read_lines(path)), str(path), "save the decisions again")
    known = isinstance(content, Mapping) and content.get("format") == FORMAT
    if not known or not isinstance(content.get("items"), Mapping):
        raise ValueError(f"{path} holds no decisions of a review page ('{FORMAT}')")
    for name, each in content["items"].items():
        if not isinstance(each, Mapping) or each.get("decision") not in DECISIONS:
            raise ValueError(f"{path}, item {name}: a decision is one of {', '.join(DECISIONS)}; got {each!r}")
        if not isinstance(each.get("regions", {}), Mapping):
            raise ValueError(
                f"{path}, item {name}: regions are boxes by the number of a phrase; got {each['regions']!r}"
            )
    return Review(str(content.get("items_sha256")), dict(content["items"]))


def join_reviews(reviews: Mapping[Path, Review], digest: str) -> dict[str, Mapping[str, Any]]:
    """Join the decisions of several pages of the items with this sha256.

    Raises:
        ValueError: a review is of other items, or two of them decide on the same item.
    """
    joined: dict[str, Mapping[str, Any]] = {}
    for path, review in reviews.items():
        if review.items_sha256 != digest:
            raise ValueError(f"{path} is a review of other items: give the --output whose review page saved it")
        if twice := sorted(joined.keys() & review.decisions.keys()):
            raise ValueError(f"{path} decides on item '{twice[0]}', and so does another file: give each page once")
        joined |= review.decisions
    return joined


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
