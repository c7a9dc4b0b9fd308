"""The pictures of docs/concepts.md are those that the code draws."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.support.programs.documents import ROOT, links

IMAGES = ROOT / "docs" / "images"
DRAWN = {Path(link).stem for link in links(ROOT / "docs" / "concepts.md") if link.endswith(".svg")}
TOTAL = 70_000  # bytes of all pictures


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    runpy.run_path(str(IMAGES / "draw_concepts.py"))["main"](folder)
    return folder


def test_every_picture_is_drawn_and_no_other(drawn: Path) -> None:
    assert {path.stem for path in drawn.iterdir()} == DRAWN


@pytest.mark.parametrize("name", sorted(DRAWN))
def test_a_picture_says_what_the_code_says(drawn: Path, name: str) -> None:
    words = [re.findall(r"<text[^>]*>([^<]*)", (folder / f"{name}.svg").read_text()) for folder in (drawn, IMAGES)]
    assert words[0] == words[1]
    assert words[0]


def test_the_pictures_are_small() -> None:
    assert sum((IMAGES / f"{name}.svg").stat().st_size for name in DRAWN) < TOTAL
