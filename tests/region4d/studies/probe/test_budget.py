from pathlib import Path

import pytest
import torch

from probes.clips.label_files import write_labels
from region4d.configuration.compose import compose_config
from region4d.studies.probe.budget import Budget, Need, job_need
from region4d.studies.probe.plan import ProbePlan

TB = 10**12
NEEDS = [Need("a", 1, 3 * TB, 3.6e17, 7.2e17), Need("b", 2, 2 * TB, 3.6e17, 0.0), Need("c", 1, None, None, None)]


def test_hours_and_disk_are_summed_and_what_is_unknown_is_named() -> None:
    text = Budget(NEEDS, kept=True, workers=1, tflops=100).text()
    assert "| a | 1 | 3 | 1 | 2 |" in text
    assert "| c | 1 | ? | ? | ? |" in text
    assert "4 probes, about 4 GPU-hours at 100 TFLOP/s sustained, 5 TB of disk at a time; not counted" in text
    assert text.endswith("unknown: c")


def test_only_the_stores_of_jobs_that_run_together_count_where_stores_are_removed() -> None:
    assert [Budget(NEEDS, False, workers, 100).disk for workers in (1, 2)] == [3 * TB, 5 * TB]


def test_a_disk_that_is_too_small_is_refused_with_remedies(tmp_path: Path) -> None:
    Budget([Need("a", 1, 10, 1.0, 1.0)], True, 1, 100).refuse_if_full(tmp_path / "features")
    with pytest.raises(OSError, match=r"features take 1e\+03 TB at a time, and .* TB left: name another folder"):
        Budget([Need("a", 1, 1000 * TB, 1.0, 1.0)], True, 1, 100).refuse_if_full(tmp_path / "features")


def test_what_a_stopped_extraction_has_stored_needs_no_more_room(tmp_path: Path) -> None:
    Budget([Need("a", 1, 1000 * TB, 1.0, 1.0)], True, 1, 100).refuse_if_full(tmp_path / "features", stored=1000 * TB)


@pytest.mark.long
def test_the_largest_store_of_the_published_table_is_that_of_its_kept_slots(tmp_path: Path) -> None:
    """WAN 14B: 19 of 21 slots of 30 x 52 x 5,120 half-precision values hold the frames that are ever read."""
    frames, still = 76, torch.ones(76, 2, 2)
    for k in range(10):
        camera = torch.eye(4).expand(frames, 4, 4)
        pictures = torch.zeros(frames, 3, 2, 2, dtype=torch.uint8)
        write_labels(
            tmp_path / f"{k}.safetensors", pictures, still, still[..., None].expand(-1, -1, -1, 3), still.clone(),
            torch.eye(3).expand(frames, 3, 3), camera,
        )  # fmt: skip
    words = ["study=probe/published_dl3dv", f"labels={tmp_path}", f"runs={tmp_path / 'runs'}"]
    plan = ProbePlan(compose_config("probe", words))
    need = job_need(next(job for job in plan.grid if job.name.startswith("wan_14b")))
    assert need.probes == 1
    assert need.features == 10 * 19 * 30 * 52 * 5120 * 2
    assert need.training is not None
    per_sample = need.training / (100 * 8)  # epochs, training clips
    assert 12e12 < per_sample < 24e12  # specs: about 14 TFLOP with the backward and the recomputation
