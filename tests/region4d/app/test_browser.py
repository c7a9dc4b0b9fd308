"""The app in a real browser: draw, ask, see; and no host but this one is asked."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.browser import open_browser
from tests.support.footage import write_footage


def test_a_visitor_draws_two_regions_asks_and_sees_the_answers_and_points(site: str, tmp_path: Path) -> None:
    with open_browser(tmp_path / "profile") as tab:
        tab.size(1280, 800)
        tab.go(site)
        tab.wait("document.querySelector('.r4d-nothing')?.offsetParent", "the empty canvas")
        tab.click("Open this world")
        tab.wait("document.querySelector('#canvas canvas')?.offsetParent", "the frames")
        tab.drag("#canvas canvas", (0.15, 0.15), (0.28, 0.45))
        tab.click("+ region")
        tab.drag("#canvas canvas", (0.5, 0.48), (0.68, 0.87))
        tab.write("#question textarea", "How far is  from <region1> at the start?")
        tab.run("document.querySelector('#question textarea').setSelectionRange(11, 11)")
        tab.click("<region0>")
        assert tab.run("document.querySelector('#question textarea').value").startswith("How far is <region0> from")
        tab.click("Ask")
        tab.wait("document.querySelectorAll('.r4d-answer').length === 2", "two answers")
        tab.wait("document.querySelector('iframe.r4d-scene')?.title === 'Points with regions'", "the points")
        answers = tab.run("[...document.querySelectorAll('.r4d-answer')].map(each => each.innerText)")
        assert all(answer.endswith(" m") for answer in answers)
        tab.run("new Promise(done => setTimeout(done, 2000))")  # the scene starts its workers
        for width, height in ((1280, 800), (400, 800)):
            tab.size(width, height)
            assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.hosts == {urlsplit(site).netloc}
        assert [line for line in tab.said if "Refused" in line or "violates" in line] == []


def test_a_visitor_uploads_a_video_scrubs_it_and_undoes_a_box(site: str, tmp_path: Path) -> None:
    path = write_footage(tmp_path / "clip.mp4", [0, 40, 80, 120])
    with open_browser(tmp_path / "profile") as tab:
        tab.size(1280, 800)
        tab.go(site)
        tab.click("Upload")
        tab.choose_file("input[type=file]", path)
        tab.wait("document.querySelector('#canvas canvas')?.offsetParent", "the frames")
        tab.run("document.querySelector('#canvas canvas').focus()")
        tab.press("ArrowRight")
        assert tab.run("document.querySelector('.r4d-frame').innerText").startswith("frame 1 of 4")
        tab.drag("#canvas canvas", (0.2, 0.2), (0.6, 0.6))
        tab.wait("document.querySelector('.r4d-inserts')?.offsetParent", "the box")
        tab.click("Undo")
        tab.wait("!document.querySelector('.r4d-inserts')?.offsetParent", "no box")


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_legible_against_its_background(site: str, tmp_path: Path, dark: bool) -> None:
    with open_browser(tmp_path / "profile") as tab:
        tab.size(1280, 800, dark)
        tab.go(f"{site}?__theme={'dark' if dark else 'light'}")
        for selector in (".r4d-head p", ".r4d-head h1 i", ".r4d-nothing span", "button.primary", "button.secondary"):
            tab.wait(f"document.querySelector('{selector}')?.offsetParent", selector)
            assert tab.run(CONTRAST % selector) >= 4.5, selector  # WCAG 2.2, level AA


CONTRAST = """(() => {
  const read = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const shown = document.querySelector("%s");
  let under = shown, back = read(getComputedStyle(under).backgroundColor);
  while (back[3] === 0) {
    under = under.parentElement;
    back = under ? read(getComputedStyle(under).backgroundColor) : [255, 255, 255];
  }
  const [one, other] = [light(read(getComputedStyle(shown).color)), light(back)].sort((a, b) => b - a);
  return (one + 0.05) / (other + 0.05);
})()"""
