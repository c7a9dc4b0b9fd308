"""The speed benchmark of regions times implementations that agree, and records what it timed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.regions import draw_ellipses, our_tiles, pil_tiles, pool_by_region, pool_by_sample
from benchmarks.speed.stopwatch import Race, race, write_races
from models.regions import RegionMasks, TilePlan, pool_regions

CPU = torch.device("cpu")


def test_both_pil_references_give_the_same_tiles_and_ours_to_two_grey_levels() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8))
    plan = TilePlan(2, 4, 24)
    reference = pil_tiles(image, plan, resize_once=True)
    assert torch.equal(pil_tiles(image, plan, resize_once=False), reference)
    assert (our_tiles(image, plan, CPU).int() - reference.int()).abs().max() <= 2  # two passes rounded to 8 bits


def test_both_pooling_references_give_our_tokens() -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 4, 4, 6, generator=generator)
    masks = draw_ellipses(5, 3, 32, 0.05, generator)
    packed = RegionMasks(
        masks.flatten(0, 1), torch.arange(3).repeat(5), torch.arange(5).repeat_interleave(3), tuple("abcde")
    )
    pooled = pool_regions(features, packed)
    torch.testing.assert_close(pool_by_sample(features, masks), pooled, atol=1e-5, rtol=1e-5)  # float32 sums
    torch.testing.assert_close(pool_by_region(features, masks), pooled, atol=1e-5, rtol=1e-5)


def test_ellipses_cover_their_share() -> None:
    masks = draw_ellipses(20, 4, 448, 0.02, torch.Generator().manual_seed(0))
    assert masks.float().mean().item() == pytest.approx(0.02, abs=1e-3)  # a few are cut at the border


def test_arms_run_in_turns_after_a_warm_up() -> None:
    runs: list[str] = []
    result = race("task", {"ours": lambda: runs.append("a"), "other": lambda: runs.append("b")}, 2.0, 3, CPU)
    assert runs == ["a", "b"] * 4
    assert [len(seconds) for seconds in result.seconds.values()] == [3, 3]


def test_the_record_holds_medians_and_ratios(tmp_path: Path) -> None:
    result = Race("task", {"ours": [1.0, 9.0, 2.0], "other": [8.0, 7.0, 90.0]}, at_least=3.0)
    write_races(tmp_path / "speed" / "r.json", "python -m it", [result], collect_manifest({"threads": 1}))
    record = json.loads((tmp_path / "speed" / "r.json").read_text())
    assert record["command"] == "python -m it"
    assert record["config"] == {"threads": 1}
    assert record["tasks"]["task"]["arms"]["other"] == {"median_s": 8, "times_ours": 4, "seconds": [8, 7, 90]}
