"""The documentation as a site: built without a warning, read from disk without a request to any host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.programs.browser import open_browser
from tests.support.programs.documents import ROOT

pytestmark = pytest.mark.long  # the build
LOADED = {"link": "href", "script": "src", "img": "src", "image": "href", "iframe": "src", "source": "src"}
OUTSIDE = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*")  # in a style sheet


class Links(HTMLParser):
    """What a page loads, what it links to, and the places in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.linked: list[str] = []
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        if address := values.get(LOADED.get(tag, "")):
            self.loaded.append(address)
        if tag == "a" and "href" in values:
            self.linked.append(values["href"])


links_of = cache(Links)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` builds it: a warning is an error."""
    pytest.importorskip("mkdocs", reason="needs mkdocs, of the extra docs")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def pages(site: Path) -> list[Path]:
    return sorted(
        page for page in site.rglob("*.html") if page.name != "404.html"
    )  # its links begin at a server's root


def test_a_page_loads_files_of_the_site_alone(pages: list[Path], site: Path) -> None:
    assert len(pages) > 50
    asked = {address for page in pages for address in links_of(page).loaded if urlsplit(address).scheme != "data"}
    assert {address for address in asked if urlsplit(address).netloc} == set()
    sheets = [sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css")]
    assert sheets
    assert [
        found for text in sheets for found in re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", text)
    ] == []


def test_every_link_within_the_site_leads_somewhere(pages: list[Path]) -> None:
    broken = []
    for page in pages:
        for address in [*links_of(page).loaded, *links_of(page).linked]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            place = unquote(parts.fragment)
            if not target.is_file() or (place and target.suffix == ".html" and place not in links_of(target).places):
                broken.append(f"{page.name}: {address}")
    assert broken == []


def test_a_report_of_results_is_a_page_of_the_site(site: Path) -> None:
    page = site / "repository" / "results" / "compare" / "quick" / "report.html"
    assert "3D against 4D region reasoning" in page.read_text()
    assert "repository/results/compare/quick/report.html" in (site / "results" / "compare.html").read_text()


def test_an_example_shows_its_text_and_its_code(site: Path) -> None:
    page = (site / "examples" / "distil_and_export.html").read_text()
    assert "<h1" in page
    assert "# %%" not in page
    assert 'href="../distillation.html"' in page


def test_a_browser_reads_and_searches_the_site_from_disk(site: Path, tmp_path: Path) -> None:
    with open_browser(tmp_path) as browser:
        browser.go(f"file://{site}/concepts.html")
        browser.wait("document.querySelector('.md-search__input')", "the search field")
        browser.run("document.querySelector('.md-search__input').focus()")
        browser.write(".md-search__input", "canonical frame")
        browser.wait("document.querySelector('.md-search-result__item')", "a result of the search")
        assert browser.run("document.querySelector('.md-search-result__item').innerText.includes('anonical')")
        assert browser.run("document.images.length") >= 5
        assert browser.run("[...document.images].every(image => image.naturalWidth > 0)")
        assert browser.hosts == set()
