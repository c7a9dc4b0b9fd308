"""The pages of a review: what they hold."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import torch

from benchmarks.regionize.item import Candidate, Regionized
from benchmarks.regionize.review_page import review_pages
from scenes.clip import Clip
from tests.support.clips.squares import RED, squares


def held(page: str) -> Any:
    return json.loads(page.partition('id="data">')[2].partition("</script>")[0])


def test_the_page_holds_all_items_and_asks_nothing_elsewhere(items: list[Regionized]) -> None:
    marked = replace(items[0], asked=replace(items[0].asked, name="</script><b>"))
    ((name, page),) = review_pages([marked, *items[1:]], lambda asked: squares(), "Squares", "abc")
    data = held(page)
    assert (name, data["items_sha256"]) == ("review.html", "abc")
    assert [item["id"] for item in data["items"]] == ["</script><b>", "1", "2"]
    assert data["items"][0]["pictures"][0]["url"].startswith("data:image/jpeg;base64,")
    assert [each["chosen"] for each in data["items"][0]["named"]] == [0, 0]
    assert data["items"][1]["named"][0]["chosen"] is None
    assert len(data["items"][1]["named"][0]["candidates"]) == 2
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")


def test_every_frame_with_a_box_is_shown(items: list[Regionized]) -> None:
    boxes = tuple(Candidate(frame, RED, 0.5) for frame in (0, 1, 2, 3, 4))
    clip = Clip(squares().video.repeat(2, 1, 1, 1), torch.arange(6.0))
    item = replace(items[0], named=(replace(items[0].named[0], candidates=boxes), items[0].named[1]), frames=6)
    ((_, page),) = review_pages([item], lambda asked: clip, "Squares", "abc")
    assert {0, 1, 2, 3, 4} <= {each["frame"] for each in held(page)["items"][0]["pictures"]}


def test_many_items_are_split_into_pages(items: list[Regionized], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.regionize.review_page.PER_PAGE", 2)
    pages = list(review_pages(items, lambda asked: squares(), "Squares", "abc"))
    assert [name for name, _ in pages] == ["review.html", "review-2.html"]
    assert [[item["id"] for item in held(page)["items"]] for _, page in pages] == [["q/0", "1"], ["2"]]
