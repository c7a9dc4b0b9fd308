"""The card of an answer as one file."""

from __future__ import annotations

import re
import sys
from dataclasses import replace

import pytest
import torch

from models.regions import Region
from region4d.app.opening import open_world
from region4d.cards.answer_card import ShownClip, card_html, clip_facts
from scenes.clip import Clip


def grey(frames: int = 2) -> Clip:
    return Clip(torch.full((frames, 3, 24, 32), 90, dtype=torch.uint8), torch.arange(frames) / 4)


def test_a_card_has_frames_questions_points_and_provenance_inside() -> None:
    clip = open_world(6, 2, False).clip
    shown = ShownClip.of(clip, [Region.from_box((50, 100, 120, 200), *clip.size)])
    card = card_html("a <room>", shown, ["<p>first</p>", "<p>second</p>"], [("model", "tiny"), ("empty", "")])
    assert card.count("data:image/jpeg;base64,") == 2
    assert 'sandbox="allow-scripts" srcdoc=' in card
    assert card.index("first") < card.index("second")
    assert "<dt>model</dt><dd>tiny</dd>" in card
    assert "<dt>empty</dt>" not in card
    assert "<title>a &lt;room&gt;</title>" in card
    outside = re.sub(r'srcdoc="[^"]*"', "", card)
    assert not re.search(r"(?:src|href)=.http|url\(http|@import", outside)
    assert "default-src 'none'" in outside


def test_without_depth_or_viser_a_card_says_why_there_are_no_points(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "used without depth" in ShownClip.of(grey(), []).scene
    clip = open_world(6, 1, False).clip
    assert (
        "no points to show" in ShownClip.of(replace(clip, depth=torch.zeros_like(clip.video[:, 0].float())), []).scene
    )
    monkeypatch.delitem(sys.modules, "region4d.cards.scene", raising=False)
    monkeypatch.setitem(sys.modules, "viser", None)
    assert "pip install &#x27;region4d[app]&#x27;" in ShownClip.of(clip, []).scene


def test_of_many_frames_those_with_a_region_are_drawn() -> None:
    shown = ShownClip.of(grey(40), [Region.from_box((2, 2, 20, 20), 24, 32, frame=31)])
    assert shown.frames.count("<figure>") == 12
    assert "frame 31, 7.75 s" in shown.frames


def test_facts_state_times_depth_scale_and_poses() -> None:
    clip = open_world(6, 2, False).clip
    facts = dict(clip_facts(replace(clip, metric=False, world_T_cam=None), "model x"))
    assert facts["frames"].startswith("2 of 320x240 pixels, at 0.00, ")
    assert facts["depth"] == "model x (relative: its scale is unknown)"
    assert facts["camera poses"] == "none"
    assert dict(clip_facts(grey(40), None))["frames"].endswith("3.75, ... 9.75 s")
