"""The Studies page without a browser: rows, filters, and its endpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from region4d.app.settings import Settings
from region4d.app.studies import Studies, Wanted, page_of, pages, rows_html
from region4d.studies.finished import FinishedStudy

try:
    from gradio_client import Client
    from gradio_client.exceptions import AppError
except ImportError:
    pytest.skip("needs gradio, of the extra app", allow_module_level=True)


def test_rows_show_the_answers_of_all_arms_and_cannot_become_markup(world_study: Path) -> None:
    studies = Studies([FinishedStudy(world_study)])
    (name,) = studies.by_name
    items = studies.chosen(name, "toy_worlds", Wanted())
    rows = rows_html(items, "", "")
    assert rows.count("<li>") == len(items) == 6
    assert rows.count("✓") == rows.count("✗") == 6
    assert "<region0>" not in rows
    alone = rows_html(items, "wrong", "")
    assert "✓" not in alone


def test_a_page_is_cut_out_of_the_items() -> None:
    assert pages(0) == pages(40) == 1
    assert pages(41) == 2
    assert list(page_of(list(range(41)), 2)) == [40]  # type: ignore[arg-type]


def test_a_wrong_filter_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of all, right, wrong, mixed"):
        Wanted(outcome="lucky")
    with pytest.raises(ValueError, match="pages count from 1"):
        Wanted(page=0)


def test_two_studies_of_one_name_are_refused(world_study: Path) -> None:
    with pytest.raises(ValueError, match="two --study are named"):
        Settings(studies=(FinishedStudy(world_study), FinishedStudy(world_study)))


def test_a_program_lists_items_and_opens_one(site: str, world_study: Path) -> None:
    client = Client(site, verbose=False)
    name = FinishedStudy(world_study).name
    items = client.predict(name, "toy_worlds", "", "wrong", "wrong", api_name="/study_items")
    assert len(items) == 6
    assert [each["right"] for each in items[0]["outcomes"]] == [True, False]
    shown, scene = client.predict(name, "toy_worlds", items[0]["item"], api_name="/study_item")
    assert "✗ wrong" in shown
    assert "region4d records card study " in shown
    assert 'title="Points with regions"' in scene
    for study, item in (("../secret", items[0]["item"]), (name, "../../etc/passwd")):
        with pytest.raises(AppError, match="has no"):
            client.predict(study, "toy_worlds", item, api_name="/study_item")


def test_a_program_reads_the_errors_of_probes(site: str) -> None:
    client = Client(site, verbose=False)
    wanted = {"arm": "pixels, layer 0", "highest": "point_error"}
    (first, *_) = client.predict("probe/quick", "test", **wanted, api_name="/study_items")
    assert first["question"] == ""
    assert all("point_error" in each["metrics"] for each in first["outcomes"])
    shown, _ = client.predict("probe/quick", "test", first["item"], api_name="/study_item")
    assert "<td>pixels, layer 0</td>" in shown
