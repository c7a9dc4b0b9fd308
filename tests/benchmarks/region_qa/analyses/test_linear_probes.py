import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.records.manifest import Manifest
from benchmarks.region_qa.analyses.linear_probes import (
    ProbeScores,
    parse_probes,
    r2_difference,
    r2_estimate,
    write_probes,
)
from tests.support.studies import toy_probes


def test_r2_is_one_minus_the_share_of_variance_left() -> None:
    scores = ProbeScores("a", 0, ["x", "y"], {"depth": [1.0, 2.0]}, {"depth": [2.0, 10.0]}, {})
    assert scores.r2("depth") == 0.75
    estimate = r2_estimate([scores], "depth")
    assert (estimate.mean, estimate.low, estimate.high) == (0.75, 0.5, 0.8)  # clips alone: 1/2 and 4/5


def test_a_difference_is_paired_by_clip_and_seed() -> None:
    noisy = [0.1, 0.5, 0.9]
    one = replace(toy_probes("a", 0.0, 3), error={"depth": noisy})
    other = replace(one, arm="b", error={"depth": [e + 0.05 for e in noisy]})
    found = r2_difference([one], [other], "depth")
    assert found is not None
    assert (found.low, found.high) == (pytest.approx(0.05), pytest.approx(0.05))  # clips differ, the pairs do not
    assert r2_difference([one], [replace(other, seed=1)], "depth") is None


def test_scores_survive_the_disk_and_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "probes.json"
    write_probes(path, toy_probes("a", 0.25), Manifest({}, "", "", {}, "", ""))
    assert parse_probes(json.loads(path.read_text()), "") == toy_probes("a", 0.25)
    with pytest.raises(ValueError, match=r"probes\.json holds no scores of a linear probe"):
        parse_probes({}, str(path))
