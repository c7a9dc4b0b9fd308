"""The pages Lift and Probe in a real browser; no host but this one is asked."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.programs.browser import Browser, open_browser

SCENE = "document.querySelector('iframe.r4d-scene[title=\"{}\"]')?.offsetParent"


def fits(tab: Browser) -> None:
    """Nothing is wider than the window, at two widths."""
    for width in (400, 1280):
        tab.size(width, 800)
        tab.wait_fits(width)


@pytest.mark.long
def test_a_visitor_lifts_an_object_then_probes_the_same_world(site: str, tmp_path: Path) -> None:
    with open_browser(tmp_path / "profile") as tab:
        tab.size(1280, 800)
        tab.go(site)
        tab.click("Lift")
        tab.click("Open this world")
        tab.wait("document.querySelector('#lift-canvas canvas')?.offsetParent", "the frames")
        tab.drag("#lift-canvas canvas", (0.21, 0.24), (0.46, 0.67))
        tab.click("Lift")
        tab.wait(SCENE.format("The mesh in the points"), "the scene")
        tab.wait("document.querySelector('a[download=\"lifted.glb\"]')", "the download")
        tab.wait("document.querySelector('#lift-mesh canvas')?.width > 100", "the mesh by itself")
        fits(tab)

        tab.click("Probe")
        tab.wait("document.querySelectorAll('.r4d-plain img').length === 4", "the frames of the other page")
        tab.click("Probe")
        tab.wait(SCENE.format("true points and predicted points"), "points")
        assert "they are repeated" in tab.run("document.querySelector('.r4d-errors').closest('section').innerText")
        tab.run("document.querySelector('#probe-layer input').click()")
        said = "document.querySelector('.r4d-errors')?.closest('section').innerText"
        tab.wait(f"{said}.includes('from layer 0 by a linear head')", "layer 0")
        fits(tab)
        tab.run("new Promise(done => setTimeout(done, 1000))")  # the scenes start their workers
        assert tab.hosts == {urlsplit(site).netloc}
        assert [line for line in tab.said if "Refused" in line or "violates" in line] == []
