"""Every section of docs/specs that code, configuration or tests cite exists."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache

import pytest

from tests.support.programs.documents import ROOT

SPECS = ROOT / "docs" / "specs"
NOTES = "sr3d|rgpt4d|sam3d|vidfm3d|tiny_4d"
_CITATION = re.compile(
    rf"(?P<note>{NOTES})\.md(?P<sections>(?:,? (?:and )?(?:sections? )?\d+(?:\.\d+)?)*)"
    r"(?P<items>(?:,? (?:E\d+|(?:prediction|control|trap) \d+))*)"
)


def cited() -> Iterator[tuple[str, str, str]]:
    """List (file, note, section or item) of every citation; a citation may go over a line."""
    files = subprocess.run(["git", "ls-files", "*.py", "*.yaml"], cwd=ROOT, capture_output=True, text=True, check=True)
    for file in files.stdout.split():
        if not (ROOT / file).is_file() or file == "tests/docs/test_specs.py":
            continue
        text = re.sub(r"\s*\n\s*(?:#\s*)?", " ", (ROOT / file).read_text())
        for match in _CITATION.finditer(text):
            for section in re.findall(r"\d+(?:\.\d+)?", match["sections"]):
                yield file, match["note"], section
            for item in re.findall(r"E\d+|(?:prediction|control|trap) \d+", match["items"]):
                yield file, match["note"], item


@cache
def anchors_of(note: str) -> frozenset[str]:
    text = (SPECS / f"{note}.md").read_text()
    headings = re.findall(r"^#{2,4} (\d+(?:\.\d+)?)\.? ", text, re.MULTILINE)
    items = re.findall(r"\*\*(\d+\.\d+|E\d+|(?:Prediction|Control|Trap) \d+)\.?\*\*", text)
    return frozenset([*headings, *(item if item.startswith("E") else item.lower() for item in items)])


def test_every_cited_section_exists() -> None:
    missing = [f"{file}: {note}.md {what}" for file, note, what in cited() if what not in anchors_of(note)]
    assert missing == []


def test_citations_are_found_at_all() -> None:
    assert len(list(cited())) > 60
    assert {note for _, note, _ in cited()} == set(NOTES.split("|"))


@pytest.mark.parametrize(
    ("text", "sections", "items"),
    [
        ("specs/sam3d.md 2.6 and 7.1.", ["2.6", "7.1"], []),
        ("specs/rgpt4d.md section 7, prediction 3.", ["7"], ["prediction 3"]),
        ("specs/vidfm3d.md sections 3.1 and 4 (", ["3.1", "4"], []),
        ("specs/sam3d.md 7.3 E7 asks", ["7.3"], ["E7"]),
    ],
)
def test_a_citation_is_read(text: str, sections: list[str], items: list[str]) -> None:
    match = _CITATION.search(text)
    assert match is not None
    assert re.findall(r"\d+(?:\.\d+)?", match["sections"]) == sections
    assert re.findall(r"E\d+|(?:prediction|control|trap) \d+", match["items"]) == items
