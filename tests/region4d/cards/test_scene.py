"""The points of a clip as one file."""

from __future__ import annotations

import base64
import re
import threading
from dataclasses import replace

import pytest
import torch

from models.lifting.meshes.mesh import ColouredMesh
from models.regions import Region
from region4d.app.opening import open_world
from region4d.cards.scene import SceneLine, lifted_html, scene_frame, scene_html
from scenes.clip import Clip


def test_a_scene_is_one_page_that_leaves_no_server() -> None:
    clip = open_world(6, 2, False).clip
    before = set(threading.enumerate())
    page = scene_html(clip, [Region.from_box((50, 100, 120, 200), *clip.size)])
    assert "__VISER_EMBED_DATA__" in page
    assert "matchMedia('(prefers-color-scheme: dark)')" in page
    assert set(threading.enumerate()) <= before


def test_regions_change_the_scene() -> None:
    clip = open_world(6, 1, False).clip
    plain, marked = scene_html(clip), scene_html(clip, [Region.from_box((50, 100, 120, 200), *clip.size)])
    assert len(marked) > len(plain)


def test_the_object_is_looked_for_in_boxes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clip = open_world(6, 1, False).clip
    looked: list[Region] = []
    monkeypatch.setattr("region4d.cards.scene.object_in_box", lambda mask, points: looked.append(mask) or mask)
    scene_html(clip, [Region.from_points([(100, 150)], 12, *clip.size)])
    assert looked == []
    scene_html(clip, [Region.from_box((50, 100, 120, 200), *clip.size)])
    assert len(looked) == 1


@pytest.mark.parametrize("posed", [True, False])
def test_a_line_is_shown_in_the_world_or_in_its_frame(posed: bool) -> None:
    clip = open_world(6, 2, False).clip
    if not posed:
        clip = replace(clip, world_T_cam=None)
    line = SceneLine(torch.tensor([[0.0, 0.0, 1.0], [0.5, 0.0, 1.5]]), "0.707 m", None if posed else 1)
    messages = decoded(scene_html(clip, line=line))
    assert b"0.707 m" in messages
    assert (b"/frame 1/line" in messages) == (not posed)
    assert b"/line" not in decoded(scene_html(clip))


def decoded(page: str) -> bytes:
    """Decompress the messages of a scene: 8 bytes of their size, then zstd."""
    zstandard = pytest.importorskip("zstandard", reason="needs zstandard, which viser brings")
    (text,) = re.findall(r'__VISER_EMBED_DATA__="([^"]+)"', page)
    data: bytes = zstandard.ZstdDecompressor().decompressobj().decompress(base64.b64decode(text)[8:])
    return data


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


def test_a_mesh_is_among_the_faded_points_of_its_frame() -> None:
    clip = open_world(6, 1, False).clip
    corners = torch.tensor([[0.0, 0, 2], [1, 0, 2], [0, 1, 2]])
    mesh = ColouredMesh(corners, torch.tensor([[0, 1, 2]]), torch.full((3, 3), 200, dtype=torch.uint8))
    nothing = torch.zeros(clip.size, dtype=torch.bool)
    page = lifted_html(clip, nothing, mesh)
    assert "__VISER_EMBED_DATA__" in page
    masked = nothing.clone()
    masked[:, :160] = True
    assert len(lifted_html(clip, masked, mesh)) < len(page)  # the points of the object are left out
