"""The card of an answer: one HTML file with frames, regions, points, questions, answers and provenance.

It has everything inside and asks no host, so that it can be sent to a colleague and opened years later.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from string import Template

from models.regions import Region
from region4d.cards.answers import STYLE
from scenes.clip import Clip
from scenes.drawing.data_url import jpeg_url
from scenes.drawing.regions import drawn_frames

ASSETS = Path(__file__).parent / "assets"
MOST_FRAMES = 12  # that are drawn
MOST_TIMES = 16  # that are listed
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' blob: data:; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:; connect-src data: blob:; worker-src blob: data:; "
    "frame-src data: blob:; base-uri 'none'; form-action 'none'"
)
Facts = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ShownClip:
    """What a card shows of a clip: HTML of its frames with the regions, and of its points over time."""

    frames: str
    scene: str

    @classmethod
    def of(cls, clip: Clip, regions: Sequence[Region]) -> ShownClip:
        """Draw the frames, at most 12; where there are no points to show, it says why."""
        return cls(frames_html(clip, regions), _scene(clip, regions))

    @classmethod
    def missing(cls, reason: str) -> ShownClip:
        """Say why there is no clip to show."""
        return cls(message(f"{reason[:1].upper()}{reason[1:]}."), message("There is no clip, so there are no points."))


def card_html(title: str, shown: ShownClip, asked: Sequence[str], facts: Facts) -> str:
    """Write a card.

    Args:
        title: names the footage.
        shown: its frames and points.
        asked: questions with their answers, as HTML (`answer_cards`, `verdict_table`).
        facts: provenance, as pairs of what and how, in the order of reading.
    """
    return Template((ASSETS / "card.html").read_text()).substitute(
        policy=POLICY,
        title=html.escape(title),
        style=STYLE + (ASSETS / "card.css").read_text(),
        frames=shown.frames,
        asked="\n".join(asked),
        scene=shown.scene,
        facts=facts_html([*facts, ("written by", f"region4d {version('region4d')}")]),
    )


def frames_html(clip: Clip, regions: Sequence[Region]) -> str:
    """Draw frames with their regions and times; where there are many, those with a region take precedence."""
    figures = "".join(
        f'<figure><img alt="{html.escape(title)}" src="{jpeg_url(picture)}">'
        f"<figcaption>{html.escape(title)}</figcaption></figure>"
        for title, picture in drawn_frames(clip, regions, MOST_FRAMES)
    )
    return f'<div class="r4d-frames">{figures}</div>'


def facts_html(facts: Facts) -> str:
    """Write the terms and values of a list of definitions."""
    pairs = "".join(f"<dt>{html.escape(what)}</dt><dd>{html.escape(value)}</dd>" for what, value in facts if value)
    return f"<dl>{pairs}</dl>"


def clip_facts(clip: Clip, depth: str | None) -> list[tuple[str, str]]:
    """State the frames with their times, the origin of the `depth` (None: there is none), its scale, and the poses."""
    height, width = clip.size
    times = ", ".join(f"{second:.2f}" for second in clip.seconds[:MOST_TIMES].tolist())
    more = f", ... {float(clip.seconds[-1]):.2f}" if len(clip) > MOST_TIMES else ""
    scale = "metric" if clip.metric else "relative: its scale is unknown"
    return [
        ("frames", f"{len(clip)} of {width}x{height} pixels, at {times}{more} s"),
        ("depth", "none: colours alone" if depth is None else f"{depth} ({scale})"),
        ("camera poses", "known" if clip.world_T_cam is not None else "none"),
    ]


def message(text: str) -> str:
    """Write a sentence where something would be."""
    return f'<div class="r4d-empty"><span>{html.escape(text)}</span></div>'


def _scene(clip: Clip, regions: Sequence[Region]) -> str:
    if clip.depth is None:
        return message("This footage was used without depth, so there are no points.")
    try:
        from region4d.cards.scene import scene_frame, scene_html

        return scene_frame(scene_html(clip, regions), "Points with regions")
    except (ImportError, ValueError) as error:
        return message(f"There are no points here: {error}.")
