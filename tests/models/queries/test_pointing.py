from __future__ import annotations

import pytest
import torch

from models.queries.pointing import Pointing
from models.queries.query import Query
from models.regions import Region
from scenes.worlds import WorldConfig, make_world, render

(CLIP,) = render([make_world(3, WorldConfig(height=48, width=64, frames=3, objects=(3, 5), motion=True))], "cpu", ())
LATE = {1: torch.zeros(48, 64, dtype=torch.bool), 2: torch.zeros(48, 64, dtype=torch.bool)}
LATE[1][12:24, 16:32] = LATE[2][12:24, 20:36] = True
REGIONS = [Region.from_box((4, 6, 20, 30), 48, 64), Region(LATE)]
QUERY = Query(CLIP, REGIONS, "Which is wider? (A) <region0> (B) <region1>")


def test_region_tokens_leave_a_query_as_it_is() -> None:
    assert Pointing("tokens").apply(QUERY) is QUERY


def test_marks_are_drawn_on_the_first_frame_that_shows_each_region_and_tracks_on_all() -> None:
    marked, tracked = (Pointing(way).apply(QUERY) for way in ("marks", "tracks"))
    assert marked.text == tracked.text == "Which is wider? (A) the region marked 0 (B) the region marked 1"
    assert not marked.regions
    changed = [(each.clip.video != CLIP.video).flatten(1).any(1).tolist() for each in (marked, tracked)]
    assert changed == [[True, True, False], [True, True, True]]


def test_coordinates_are_thousandths_of_the_first_frame_that_shows_a_region() -> None:
    asked = Pointing("text").apply(QUERY)
    assert asked.clip is CLIP
    assert "(A) the region [62, 125, 312, 625] of picture 1" in asked.text  # 4/64, 6/48, 20/64, 30/48
    assert "(B) the region [250, 250, 500, 500] of picture 2" in asked.text


def test_a_crop_follows_its_frame_with_its_time_and_the_points_of_its_pixels() -> None:
    asked = Pointing("crop").apply(QUERY)
    assert asked.text.endswith("(A) the region in picture 2 (B) the region in picture 4")
    shown = asked.clip
    assert torch.equal(shown.video[[0, 2, 4]], CLIP.video)
    assert torch.equal(shown.seconds, CLIP.seconds[[0, 0, 1, 1, 2]])
    assert shown.world_T_cam is not None
    assert CLIP.world_T_cam is not None
    assert torch.equal(shown.world_T_cam, CLIP.world_T_cam[[0, 0, 1, 1, 2]])
    points, whole = shown.points(), CLIP.points()
    assert points is not None
    assert whole is not None
    # the region of 16 x 12 pixels is shown in a window of 24 x 18 around it, whose pixel 32, 24 is 24, 18 of the frame
    assert torch.equal(points.xyz[3, 24, 32], whole.xyz[1, 18, 24])
    assert torch.equal(points.xyz[3, 0, 0], whole.xyz[1, 9, 12])
    assert set(map(tuple, points.xyz[3].reshape(-1, 3).tolist())) == set(
        map(tuple, whole.xyz[1, 9:27, 12:36].reshape(-1, 3).tolist())
    )


def test_questions_about_the_same_regions_share_what_is_shown() -> None:
    pointing = Pointing("marks")
    first, again = pointing.apply(QUERY), pointing.apply(Query(CLIP, list(REGIONS), "Is <region1> wide?"))
    assert first.clip is again.clip
    assert pointing.apply(Query(CLIP, REGIONS[:1], "Is <region0> wide?")).clip is not first.clip


def test_a_wrong_way_and_a_region_that_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="pointing='finger' is unknown: choose one of tokens, marks, text, crop"):
        Pointing("finger")
    with pytest.raises(ValueError, match="mentions <region2>"):
        Pointing("marks").apply(Query(CLIP, REGIONS, "Where is <region2>?"))
