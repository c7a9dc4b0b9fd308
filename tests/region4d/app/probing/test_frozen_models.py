"""Which frozen models there are, and probes of finished runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf
from safetensors.torch import save_file

from probes.training.vectorized import build_seeded, probe_folder
from region4d.app.opening import open_world
from region4d.app.probing.frozen_models import FrozenModel, frozen_models, trained_models
from region4d.app.probing.reading import read_clip
from region4d.configuration.compose import build, compose_config

RUN = ("experiment=probe/bank", "clips=worlds_few", "extractor=pixels", "module.seeds=[0,1]")


def unheard(_doing: str, _share: float) -> None:
    """Report to nobody."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a finished run of two probes on pixels, as `region4d train` writes them; they are untrained."""
    folder = tmp_path_factory.mktemp("probe") / "run"
    folder.mkdir()
    config = compose_config("train", RUN)
    OmegaConf.save(config, folder / "config.yaml", resolve=True)
    for seed in (0, 1):
        probe = build_seeded(build(config.model), seed)
        (folder / "model" / probe_folder(0, seed)).mkdir(parents=True)
        save_file(probe.state_dict(), folder / "model" / probe_folder(0, seed) / "model.safetensors")
    return folder


def test_shipped_models_are_loaded_at_first_use(frozen: dict[str, FrozenModel]) -> None:
    assert list(frozen) == ["video_mae", "image_mae", "video_flow", "pixels"]
    assert "extractor" not in frozen["image_mae"].__dict__


def test_the_probes_of_a_run_predict_points_without_a_linear_head(run: Path) -> None:
    models = trained_models(run)
    assert [model.name for model in models] == ["run/seed0", "run/seed1"]
    world = open_world(6, 8, False)
    one, other = (read_clip(model, world, None, unheard).prediction for model in models)
    assert one.points.shape == (4, 32, 32, 3)
    assert one.errors is not None
    assert not one.points.equal(other.points)
    with pytest.raises(ValueError, match="pixels has no layer 1"):
        read_clip(models[0], world, 1, unheard)


def test_two_runs_of_one_name_are_refused(run: Path) -> None:
    with pytest.raises(ValueError, match="--probe names two runs 'run'; rename the folder of one"):
        frozen_models([run, run])


def test_a_folder_that_is_not_such_a_run_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is not a run of `region4d train experiment=probe/bank`"):
        trained_models(tmp_path)
    config = OmegaConf.load(run / "config.yaml")
    OmegaConf.save(config, tmp_path / "config.yaml")
    with pytest.raises(ValueError, match=r"is not finished: it lacks 'model/layer0-seed0/model.safetensors'"):
        trained_models(tmp_path)
    config.data.extraction.control = "repeated"
    OmegaConf.save(config, tmp_path / "config.yaml")
    with pytest.raises(ValueError, match=r"is a run on control=repeated; give one on worlds"):
        trained_models(tmp_path)
