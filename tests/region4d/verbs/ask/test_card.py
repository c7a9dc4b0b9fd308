"""`region4d ask -o card.html`, and the same from Python."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest

import region4d as facade
from tests.support.programs.browser import open_browser
from tests.support.programs.command_line import Run, assert_one_line

FAR = "How far is <region0> from <region1> at the start?"
BOXES = ("--region", "0:41,33,69,85", "--region", "1:131,92,170,164")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from scenes.readers.rgbd import write_rgbd_folder
    from scenes.worlds import WorldConfig, make_world, render

    (clip,) = render([make_world(6, WorldConfig(height=192, width=256, frames=2))], "cpu", ())
    folder = tmp_path_factory.mktemp("rooms") / "world-6"
    write_rgbd_folder(clip, folder)
    return folder


def test_a_conversation_is_one_card_that_a_browser_shows_without_asking_a_host(
    world: Path, region4d: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("How tall is <region0>?\nWhere is my sofa?\n"))
    card = tmp_path / "cards" / "card.html"
    words = ("--chat", "--json", "-o", str(card), "--picture", str(tmp_path / "ask.png"))
    code, out, err = region4d("ask", str(world), FAR, *BOXES, *words)
    assert code == 0, err
    first, second = map(json.loads, out.splitlines())
    assert first["card"] == str(card)
    text = card.read_text()
    for part in (first["answer"], second["answer"], "sr3d_tiny_3d", "SHA-256 ", "RGB-D folder (metric)", f"-o {card}"):
        assert part in text
    assert [each.name for each in card.parent.iterdir()] == ["card.html"]
    with open_browser(tmp_path / "profile") as tab:
        for width, dark in ((1280, False), (400, True)):
            tab.size(width, 800, dark)
            tab.go(card.as_uri())
            tab.wait("document.querySelectorAll('.r4d-answer').length === 2", "two answers")
            assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.run("document.querySelector('.r4d-question').innerText") == FAR
        assert tab.run("[...document.querySelectorAll('.r4d-frames img')].every(each => each.naturalWidth)")
        tab.run("new Promise(done => setTimeout(done, 2000))")  # the scene starts its workers
        assert tab.hosts == set()
        assert [line for line in tab.said if "Refused" in line or "violates" in line] == []


def test_a_card_that_cannot_be_written_is_refused_before_the_footage_is_opened(region4d: Run, tmp_path: Path) -> None:
    (tmp_path / "old.html").write_text("old")
    (tmp_path / "no-footage.mp4").touch()
    for name, said in (
        ("old.html", "old.html exists"),
        ("card.png", "must end in .html"),
        ("old.html/card.html", "is not a folder"),
    ):
        assert_one_line(region4d("ask", str(tmp_path / "no-footage.mp4"), FAR, "-o", str(tmp_path / name)), said)
    assert (tmp_path / "old.html").read_text() == "old"


def test_python_writes_the_same_card(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("viser", reason="needs viser, of the extra app")
    boxes = [(41, 33, 69, 85), (131, 92, 170, 164)]
    answer = facade.load().ask(world, FAR, boxes, card=tmp_path / "card.html")
    text = (tmp_path / "card.html").read_text()
    assert re.search(rf'<p class="r4d-answer">{re.escape(answer)}</p>', text)
    assert "region4d.load(&#x27;sr3d_tiny_3d&#x27;).ask(&#x27;world-6&#x27;" in text
    assert 'title="Points with regions"' in text
    with pytest.raises(FileExistsError):
        facade.load().ask(world, FAR, boxes, card=tmp_path / "card.html")
