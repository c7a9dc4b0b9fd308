"""Jobs and their steps: what is finished, how long it takes, and which modules it needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from region4d.studies import job as jobs
from region4d.studies.job import Job, VerbStep, composed
from tests.support.steps import Formatting


def step(monkeypatch: pytest.MonkeyPatch, verb: str, config: dict) -> VerbStep:
    monkeypatch.setattr(jobs, "composed", lambda *_: OmegaConf.create(config))
    return VerbStep("running", verb, (), Path("never"))


def test_a_job_is_finished_once_all_its_steps_are(tmp_path: Path) -> None:
    first, second, third = (tmp_path / name for name in ("a", "b", "c"))
    job = Job("job", tmp_path, (Formatting(first, second), Formatting(second, third)))
    for file, finished in ((second, False), (third, True)):
        assert not job.finished
        file.touch()
        assert job.finished is finished


def test_a_step_of_a_verb_is_finished_once_its_result_exists(tmp_path: Path) -> None:
    step = VerbStep("training", "train", (), tmp_path / "model")
    assert not step.finished
    (tmp_path / "model").mkdir()
    assert step.finished


def test_only_a_training_has_steps_and_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    config = {"trainer": {"max_steps": 12}, "output": "outputs/run"}
    training = step(monkeypatch, "train", config)
    assert (training.length, training.metrics) == (12, Path("outputs/run/metrics.csv"))
    scoring = step(monkeypatch, "bench", config)
    assert (scoring.length, scoring.metrics) == (0, None)


def test_the_modules_of_a_step_are_its_verb_and_the_classes_of_its_configuration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = {
        "model": {"_target_": "models.sr3d.SR3DConfig", "vision": {"_target_": "transformers.SiglipVisionConfig"}},
        "parts": [{"_target_": "training.data.TrainingData"}, "models.depth.DepthProvider"],
        "unsafe": [{"_target_": "diffusers.Pipeline"}, {"_target_": "probes.extractors.diffusion.wan.Wan"}],
    }
    expected = {"region4d.verbs.experiments.train", "models.sr3d", "transformers", "training.data"}
    assert step(monkeypatch, "train", config).modules() == expected


def test_in_a_wheel_the_modules_of_this_project_lie_below_region4d(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PREFIX", "region4d.")
    config = {"model": {"_target_": "models.sr3d.SR3DConfig"}, "loss": {"_target_": "torch.nn.MSELoss"}}
    assert step(monkeypatch, "bench", config).modules() == {
        "region4d.verbs.experiments.bench",
        "region4d.models.sr3d",
        "torch.nn",
    }


def test_a_configuration_is_composed_once() -> None:
    words = ("experiment=sr3d/tiny_static", "seed=41")
    assert composed("train", words) is composed("train", words)
    assert composed("train", words).seed == 41
