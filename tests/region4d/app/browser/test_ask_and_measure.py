"""The app in a real browser: draw, ask, see; and no host but this one is asked."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from region4d.app.opening import open_world
from tests.support.clips.footage import write_footage
from tests.support.floor import floor_pixels, on_floor
from tests.support.programs.browser import Browser, open_browser

DRAWN = "#canvas canvas"
CANVAS = f"document.querySelector('{DRAWN}')"


@pytest.mark.long
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
            tab.wait_fits(width)
        assert tab.hosts == {urlsplit(site).netloc}
        assert [line for line in tab.said if "Refused" in line or "violates" in line] == []


def test_a_visitor_uploads_a_video_scrubs_it_and_undoes_a_box(site: str, tmp_path: Path) -> None:
    path = write_footage(tmp_path / "clip.mp4", [0, 40, 80, 120])
    (tmp_path / "notes.mp4").write_text("these are notes\n")
    with open_browser(tmp_path / "profile") as tab:
        tab.size(1280, 800)
        tab.go(site)
        tab.click("Upload")
        tab.choose_file("input[type=file]", tmp_path / "notes.mp4")
        tab.wait("document.body.innerText.includes(\"'notes.mp4' cannot be read as a video\")", "one clear message")
        tab.choose_file("input[type=file]", path)
        tab.wait("document.querySelector('#canvas canvas')?.offsetParent", "the frames")
        tab.run("document.querySelector('#canvas canvas').focus()")
        tab.press("ArrowRight")
        assert tab.run("document.querySelector('.r4d-frame').innerText").startswith("frame 1 of 4")
        tab.drag("#canvas canvas", (0.2, 0.2), (0.6, 0.6))
        tab.wait("document.querySelector('.r4d-inserts')?.offsetParent", "the box")
        tab.click("Undo")
        tab.wait("!document.querySelector('.r4d-inserts')?.offsetParent", "no box")


def painted(tab: Browser) -> None:
    """Wait for the next paint of the canvas."""
    tab.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))")


def remember(tab: Browser) -> None:
    """Keep what the canvas shows."""
    painted(tab)
    tab.run(f"(c => {{ window.kept = c.getContext('2d').getImageData(0, 0, c.width, c.height).data }})({CANVAS})")


def changed(tab: Browser, across: float | None = None, down: float = 0.0) -> float:
    """How much of the canvas looks otherwise than what was remembered: a share of it, or 0 or 1 at a place."""
    painted(tab)
    place = "0, 0, c.width, c.height"
    first = "0"
    if across is not None:
        place = f"Math.round({across} * c.width), Math.round({down} * c.height), 1, 1"
        first = f"4 * (Math.round({down} * c.height) * c.width + Math.round({across} * c.width))"
    differs = f"""(c => {{
      const now = c.getContext('2d').getImageData({place}).data;
      let count = 0;
      for (let k = 0; k < now.length; k += 4) {{
        count += [0, 1, 2].some((band) => Math.abs(now[k + band] - window.kept[{first} + k + band]) > 12);
      }}
      return 4 * count / now.length;
    }})({CANVAS})"""
    return float(tab.run(differs))


def open_world_in(tab: Browser, site: str, seed: int | None = None) -> None:
    tab.go(site)
    tab.wait("document.querySelector('.r4d-nothing')?.offsetParent", "the empty canvas")
    if seed is not None:
        tab.fill("input[type=number]", str(seed))
    tab.click("Open this world")
    tab.wait(f"{CANVAS}?.offsetParent", "the frames")
    tab.wait(f"{CANVAS}.getContext('2d').getImageData(9, 9, 1, 1).data[3] === 255", "the picture")


@pytest.mark.long
def test_every_tool_and_undo_change_what_is_seen_and_what_is_drawn_is_asked_about(site: str, tmp_path: Path) -> None:
    with open_browser(tmp_path / "profile") as tab:
        tab.size(1280, 800)
        open_world_in(tab, site)
        remember(tab)
        tab.click("Brush")
        tab.drag(DRAWN, (0.2, 0.5), (0.3, 0.5), (0.4, 0.5))
        assert changed(tab, 0.3, 0.5)
        tab.run(f"{CANVAS}.focus()")
        tab.press("e")
        assert tab.run("document.querySelector('[data-tool=erase]').getAttribute('aria-pressed')") == "true"
        tab.drag(DRAWN, (0.3, 0.4), (0.3, 0.6))
        assert not changed(tab, 0.3, 0.5)
        assert changed(tab, 0.22, 0.5)
        tab.click("Undo")
        assert changed(tab, 0.3, 0.5)
        tab.click("Undo")
        tab.click("Point")
        assert changed(tab) == 0
        tab.drag(DRAWN, (0.3, 0.5))
        assert changed(tab, 0.3, 0.5)
        tab.click("Undo")
        tab.click("Click")
        tab.drag(DRAWN, (0.5, 0.6))
        tab.wait("document.querySelector('.r4d-hint').innerText.includes('Region 0 is on 4 frames')", "its masks")
        assert changed(tab) > 0.02
        tab.click("Undo")
        assert changed(tab) == 0
        tab.click("Point")
        tab.drag(DRAWN, (0.3, 0.5))
        tab.write("#question textarea", "How tall is <region0>?")
        tab.click("Ask")
        tab.wait("document.querySelectorAll('.r4d-answer').length === 2", "two answers")


@pytest.mark.long
def test_on_a_phone_a_finger_draws_and_two_touches_measure_what_another_page_opened(site: str, tmp_path: Path) -> None:
    clip = open_world(6, 4, False).clip
    (height, width), ends = clip.size, floor_pixels(clip, 0)
    one, other = (on_floor(clip, 0, x, y) for x, y in ends)
    with open_browser(tmp_path / "profile") as tab:
        tab.size(400, 800)
        tab.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=1)
        open_world_in(tab, site)
        tab.click("Brush")
        remember(tab)
        tab.run(f"{CANVAS}.scrollIntoView({{block: 'center'}})")
        at = tab.run("scrollY")
        tab.drag(DRAWN, (0.3, 0.2), (0.3, 0.5), (0.3, 0.8), touch=True)
        assert changed(tab, 0.3, 0.5)
        assert tab.run("scrollY") == at
        tab.click("Measure")
        tab.wait("document.querySelector('#measure-canvas canvas')?.offsetParent", "the frames on the other page")
        for x, y in ends:
            tab.drag("#measure-canvas canvas", (x / width, y / height), touch=True)
        tab.wait("document.querySelector('.r4d-measured .r4d-answer')", "the distance")
        said = tab.run("document.querySelector('.r4d-measured .r4d-answer').innerText")
        assert said.endswith(" m")
        assert float(said.removesuffix(" m")) == pytest.approx(float((one - other).norm()), rel=0.03)  # of a pixel
        tab.wait("document.querySelectorAll('.r4d-answers .r4d-answer').length === 2", "two models")
        tab.wait("document.querySelector('iframe[title=\"Points with a line\"]')", "the scene")
        tab.wait_fits(400)
        assert tab.hosts == {urlsplit(site).netloc}


@pytest.mark.long
def test_two_visitors_at_once_see_their_own_and_one_who_leaves_stops_nobody(site: str, tmp_path: Path) -> None:
    with open_browser(tmp_path / "one") as one:
        one.size(1280, 800)
        open_world_in(one, site)
        with open_browser(tmp_path / "other") as other:
            other.size(1280, 800)
            open_world_in(other, site, 3)
            for tab, seed in ((one, 6), (other, 3)):
                assert tab.run("document.querySelector('.r4d-opened b').innerText") == f"world {seed}"
            other.drag(DRAWN, (0.2, 0.2), (0.6, 0.6))
            other.write("#question textarea", "How tall is <region0>?")
            other.click("Ask")
            other.wait("document.querySelector('.r4d-waiting')", "the first model at work")
        one.drag(DRAWN, (0.15, 0.15), (0.28, 0.45))
        one.write("#question textarea", "How wide is <region0>?")
        one.click("Ask")
        one.wait("document.querySelectorAll('.r4d-answer').length === 2", "two answers")
        assert one.run("document.querySelector('.r4d-question').innerText") == "How wide is <region0>?"


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
