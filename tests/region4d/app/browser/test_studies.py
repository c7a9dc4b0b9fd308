"""The Studies page in a real browser."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.programs.browser import Browser, open_browser


def choose(tab: Browser, field: str, text: str) -> None:
    """Choose an entry of a drop-down list."""
    for selector in (f"{field} input", f"[role=option][aria-label='{text}']"):
        tab.wait(f"document.querySelector({selector!r})?.offsetParent", selector)
        tab.drag(selector, (0.5, 0.5), (0.5, 0.5))


@pytest.mark.long
def test_a_visitor_filters_a_study_and_opens_an_item(site: str, tmp_path: Path) -> None:
    with open_browser(tmp_path / "profile") as tab:
        tab.size(1280, 800)
        tab.go(site)
        tab.wait("document.querySelector('.r4d-nothing')?.offsetParent", "the first page")
        tab.click("Studies")
        tab.wait("document.querySelectorAll('.r4d-items button').length === 6", "the items")
        choose(tab, "#study-category", "distance")
        tab.wait("document.querySelectorAll('.r4d-items button').length === 2", "the items of a category")
        tab.run("document.querySelector('.r4d-items button').click()")
        tab.wait("document.querySelectorAll('.r4d-item .r4d-frames img').length === 3", "the clip")
        assert tab.run("document.querySelector('.r4d-items button').getAttribute('aria-pressed')") == "true"
        assert tab.run("[...document.querySelectorAll('.r4d-item tbody tr')].map(each => each.innerText)") != []
        said = tab.run("document.querySelector('.r4d-item').innerText")
        assert "Exact answer" in said
        assert "✓ right" in said
        assert "✗ wrong" in said
        tab.wait("document.querySelector('#study-item iframe.r4d-scene')", "the points")
        choose(tab, "#study-study", "probe/quick")
        tab.wait("document.querySelectorAll('.r4d-items button').length === 40", "the clips of a probe study")
        tab.run("document.querySelector('.r4d-items button').click()")
        tab.wait("document.querySelector('.r4d-measured')", "the errors of probes")
        for width in (1280, 400):
            tab.size(width, 800)
            tab.wait_fits(width)
        tab.run("new Promise(done => setTimeout(done, 2000))")  # the scene starts its workers
        assert tab.hosts == {urlsplit(site).netloc}
        assert [line for line in tab.said if "Refused" in line or "violates" in line] == []
