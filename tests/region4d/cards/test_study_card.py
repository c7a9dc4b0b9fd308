"""The card of an item of a study."""

from __future__ import annotations

from pathlib import Path

from region4d.cards.answers import coloured
from region4d.cards.study_card import StudyCard
from region4d.studies.finished import FinishedStudy

ROOT = Path(__file__).resolve().parents[3]


def test_an_item_shows_its_clip_the_answers_of_all_arms_the_truth_and_its_origin(world_study: Path) -> None:
    study = FinishedStudy(world_study)
    item = study.item("world-40/0")
    card = StudyCard.of(study, item).html()
    assert card.count("<figcaption>frame ") == 3
    assert 'title="Points with regions"' in card
    assert f"<b>Exact answer</b> {coloured(item.truth)}" in card
    for part in ("<td>right</td>", "<td>wrong</td>", "✓ right", "✗ wrong", "a procedural world, rendered again", "abc"):
        assert part in card
    assert "right-seed0 f00df00df00d" in card


def test_a_sample_of_a_probe_study_shows_the_errors_of_every_probe() -> None:
    study = FinishedStudy(ROOT / "results" / "probe" / "quick")
    card = StudyCard.of(study, study.item("world-5200000", "test"))
    assert card.shown.frames.count("<figure>") == 4
    for part in ("<td>image_mae, layer 2</td>", "<td>video_flow, layer 3, sigma 0.3</td>", "point error ↓"):
        assert part in card.asked


def test_an_item_whose_clip_cannot_be_made_again_says_so_and_keeps_its_answers() -> None:
    study = FinishedStudy(ROOT / "results" / "real_rgbd")
    card = StudyCard.of(study, study.item("redwood_rgbd/nearer_camera/4"))
    assert "only procedural worlds can be made again" in card.shown.frames
    assert "<td>lower is nearer</td>" in card.asked
