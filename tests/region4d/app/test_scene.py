"""The points of a clip as one file."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
import torch

from models.regions import Region
from region4d.app.opening import open_world
from region4d.app.scene import scene_frame, scene_html
from scenes.clip import Clip


def test_a_scene_is_one_page_that_leaves_no_server() -> None:
    clip = open_world(6, 2, False).clip
    before = threading.active_count()
    page = scene_html(clip, [Region.from_box((50, 100, 120, 200), *clip.size)])
    assert "__VISER_EMBED_DATA__" in page
    assert "matchMedia('(prefers-color-scheme: dark)')" in page
    assert threading.active_count() == before


def test_regions_change_the_scene() -> None:
    clip = open_world(6, 1, False).clip
    plain, marked = scene_html(clip), scene_html(clip, [Region.from_box((50, 100, 120, 200), *clip.size)])
    assert len(marked) > len(plain)


def test_a_scene_without_poses_has_its_points() -> None:
    clip = replace(open_world(6, 2, False).clip, world_T_cam=None)
    assert "__VISER_EMBED_DATA__" in scene_html(clip)


def test_a_clip_without_depth_has_no_scene() -> None:
    with pytest.raises(ValueError, match="has no depth"):
        scene_html(Clip(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(1)))


def test_the_frame_of_a_scene_may_run_scripts_alone_and_keeps_its_page_as_text() -> None:
    frame = scene_frame('<script>"a"</script>', 'a "title"')
    assert 'sandbox="allow-scripts"' in frame
    assert "<script>" not in frame
    assert 'title="a &quot;title&quot;"' in frame
