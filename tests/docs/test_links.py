import re
from pathlib import Path

import pytest

from tests.support.programs.documents import PAGES, README, ROOT, anchors, links, without_blocks

IDS = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_relative_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"https?:|mailto:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} does not exist"
        if anchor:
            assert anchor in anchors(target), f"{link}: the page has no such heading"


def test_every_reference_link_of_the_readme_is_defined() -> None:
    text = without_blocks(README)
    defined = set(re.findall(r"^\[([^\]]+)\]: ", text, re.MULTILINE))
    used = re.findall(r"\[([a-z][a-z ]+)\](?![\[(:])", text)
    assert used
    assert set(used) <= defined


def test_every_page_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {(page.parent / link.partition("#")[0]).resolve() for link in links(page) if "://" not in link}
        waiting += [target for target in targets - reached if target.suffix == ".md" and target.is_file()]
    assert [str(page.relative_to(ROOT)) for page in PAGES if page not in reached] == []
