"""The worlds of a study's items, rendered again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.sr3d.text.mentions import mentioned
from region4d.studies.finished import FinishedStudy
from region4d.studies.item_clips import clip_of
from tests.support.studies import write_world_study

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.long
def test_items_of_an_archived_comparison_are_asked_about_the_same_worlds_again() -> None:
    study = FinishedStudy(ROOT / "results" / "compare" / "quick")
    for item in list(study.items("worlds4d").values())[::1200]:
        made = clip_of(study, item)  # refuses another question
        assert len(made.clip) == 6
        assert len(made.regions) == len(set(mentioned(item.question)))


def test_a_world_that_has_changed_is_not_shown(world_study: Path) -> None:
    study = FinishedStudy(world_study)
    item = study.item("world-40/0")
    assert len(clip_of(study, item).clip) == 3
    with pytest.raises(ValueError, match="its world is another one"):
        clip_of(study, replace(item, answer="17 km"))


def test_a_class_that_records_name_is_not_run(tmp_path: Path) -> None:
    study = FinishedStudy(write_world_study(tmp_path, target="os.system"))
    with pytest.raises(ValueError, match="only procedural worlds"):
        clip_of(study, study.item("world-40/0"))
