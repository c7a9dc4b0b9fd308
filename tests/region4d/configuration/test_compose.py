import re
from pathlib import Path

import pytest
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from models.sr3d import SR3DForConditionalGeneration
from region4d.configuration.compose import CONFIGS, compose_config, first_of_sweep, refuse_other_config
from region4d.configuration.recipes import refuse_other_model
from region4d.configuration.value_types import check_types
from region4d.verbs.speed import student_config
from tests.support.folders.nvila_folder import write_nvila

EXPERIMENTS = sorted(
    p.relative_to(CONFIGS / "experiment").with_suffix("").as_posix() for p in (CONFIGS / "experiment").rglob("*.yaml")
)
ARMS = sorted(p.stem for p in (CONFIGS / "arm").glob("*.yaml"))


WITH_ARMS = [name for name in EXPERIMENTS if name.startswith(("sr3d/", "rgpt4d/"))]


@pytest.mark.parametrize("experiment", WITH_ARMS)
@pytest.mark.parametrize("arm", ARMS)
def test_every_experiment_of_sr3d_composes_with_every_arm(experiment: str, arm: str) -> None:
    config = compose_config("train", [f"experiment={experiment}", f"arm={arm}"])
    check_types(config)
    assert config.arm.name == arm
    assert config.name == experiment
    assert config.output == f"outputs/train/{experiment}/{arm}-seed0"
    assert config.module.most_parameters is None or "folder" not in config.model  # of a model that it may not ruin


@pytest.mark.parametrize("experiment", WITH_ARMS)
def test_every_experiment_of_sr3d_takes_an_adapter(experiment: str) -> None:
    assert compose_config("train", [f"experiment={experiment}"]).module.adapter is None
    adapter = compose_config("train", [f"experiment={experiment}", "adapter=qlora", "adapter.rank=8"]).module.adapter
    assert (adapter.rank, adapter.quantized) == (8, True)


@pytest.mark.parametrize("experiment", sorted(set(EXPERIMENTS) - set(WITH_ARMS)))
def test_other_experiments_have_no_arm_and_refuse_one(experiment: str) -> None:
    config = compose_config("train", [f"experiment={experiment}"])
    check_types(config)
    assert "arm" not in config
    assert config.name == experiment
    refuse_other_model(config)
    assert config.output == f"outputs/train/{experiment}-seed0"
    with pytest.raises(ValueError, match=f"experiment={experiment} has no group 'arm'; leave arm=... out"):
        compose_config("train", [f"experiment={experiment}", "arm=4d"])


def test_every_experiment_says_its_command_on_top() -> None:
    for experiment in EXPERIMENTS:
        first = (CONFIGS / "experiment" / f"{experiment}.yaml").read_text().splitlines()[1]
        assert first.startswith(f"# region4d train experiment={experiment}")


@pytest.mark.parametrize(
    ("override", "remedy"),
    [
        ("modul.learning_rate=1", "'module.learning_rate'"),
        ("module.lerning_rate=1", "'module.learning_rate'"),
        ("learning_rate=1", "'module.learning_rate'"),
        ("trainer.accumulate_grad_batches=4", "+trainer.accumulate_grad_batches=... adds it"),
        ("arm=33d", "'3d'"),
        ("experiment=sr3d/tiny_statik", "'sr3d/tiny_static'"),
        ("seed", "seed"),
    ],
)
def test_a_wrong_override_is_one_line_that_names_near_matches(override: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=re.escape(remedy)) as caught:
        compose_config("train", [override])
    assert "\n" not in str(caught.value)


def test_a_sweep_is_checked_by_its_first_choices() -> None:
    assert first_of_sweep(["arm=2d,3d", "seed=range(3)", "name=x"]) == ["arm=2d", "seed=0", "name=x"]


@pytest.mark.parametrize("arm", ARMS)
def test_the_tiny_experiment_builds_the_arm_that_it_names(arm: str) -> None:
    config = compose_config("train", ["experiment=sr3d/tiny_static", f"arm={arm}"])
    module = instantiate(config.module)
    assert (module.model.position_encoding is not None) == config.arm.position_encoding
    assert 1_000_000 < sum(p.numel() for p in module.parameters()) < 5_000_000
    assert instantiate(config.trainer).max_steps == config.trainer.max_steps


def test_the_nvila_experiment_builds_from_a_folder(tmp_path: Path) -> None:
    folder = write_nvila(tmp_path / "nvila")
    config = compose_config("train", ["experiment=sr3d/nvila_lite_static", "arm=3d", f"model.folder={folder}"])
    module, data = instantiate(config.module), instantiate(config.data)
    assert module.model.position_encoding is not None
    assert module.model.scale_encoding is not None
    assert not any(p.requires_grad for p in module.model.vision_tower.parameters())
    assert module.model.training  # else its layers are not checkpointed
    assert data.processor.tile_size == module.model.config.tile_size


@pytest.mark.parametrize("arm", ["2d", "4d"])
def test_an_arm_without_a_point_map_is_not_told_the_scale(arm: str, tmp_path: Path) -> None:
    folder = write_nvila(tmp_path / "nvila")
    words = ["experiment=sr3d/nvila_lite_static", f"arm={arm}", f"model.folder={folder}"]
    config = compose_config("train", words)
    model, processor = instantiate(config.model), instantiate(config.processor)
    assert model.scale_encoding is None
    assert not processor.prompt.scale_token


def test_a_tiny_recipe_refuses_a_large_base(tmp_path: Path) -> None:
    folder = write_nvila(tmp_path / "nvila")
    words = ["experiment=sr3d/tiny_static", "model=sr3d/nvila_lite_8b", f"model.folder={folder}", "arm=2d"]
    instantiate(compose_config("train", words).module)  # the folder of the test is small
    config = compose_config("train", [*words, "module.most_parameters=1000"])
    with pytest.raises(InstantiationException, match=r"0\.0 million parameters, and this one has .* sr3d/stage1"):
        instantiate(config.module)


@pytest.mark.parametrize("arm", ["2d", "4d", "3d_both_tpe"])
def test_the_dynamic_experiment_builds_arms_with_and_without_a_teacher(arm: str) -> None:
    config = compose_config("train", ["experiment=rgpt4d/tiny_dynamic", f"arm={arm}"])
    module, data = instantiate(config.module), instantiate(config.data)
    assert (module.perception is not None) == config.arm.distils == (data.cache is not None)
    assert (module.model.position_encoding is not None) == config.arm.position_encoding
    assert module.model.config.timestamp_encoding == config.arm.timestamp_encoding
    assert module.model.config.region_pool == "trajectory"
    assert data.store.config.motion


def test_the_expert_experiment_builds_an_expert_of_the_students_frames() -> None:
    config = compose_config("train", ["experiment=expert4d/tiny"])
    module = instantiate(config.module)
    student = compose_config("train", ["experiment=rgpt4d/tiny_dynamic", "arm=4d"])
    assert module.model.spec.frames == student.data.world.frames
    assert module.model.spec.size == student.data.world.height
    seeds = (config.data.seeds, config.data.test_seeds, student.data.seeds)
    ranges = [range(*pair) for pair in seeds]
    assert not any(set(a) & set(b) for i, a in enumerate(ranges) for b in ranges[:i])  # nobody sees another's worlds


def test_the_cost_of_a_step_is_measured_on_the_student_of_the_experiment() -> None:
    config = compose_config("train", ["experiment=rgpt4d/tiny_dynamic", "arm=4d"])
    assert student_config().to_dict() == instantiate(config.model.config).to_dict()
    assert not student_config().position_encoding  # distillation is timed without a point map


def test_the_model_for_a_gpu_has_a_hundred_million_parameters_and_a_teacher_of_its_frames() -> None:
    config = compose_config("train", ["experiment=rgpt4d/base_dynamic", "arm=3d_both_tpe"])
    with torch.device("meta"):
        model = SR3DForConditionalGeneration(instantiate(config.model.config))
        expert = instantiate(compose_config("train", ["experiment=expert4d/base"]).model)
    assert sum(p.numel() for p in model.parameters()) > 100_000_000
    assert (expert.spec.frames, expert.spec.size) == (config.data.world.frames, config.data.world.height)


def test_an_attention_that_cannot_train_is_refused_when_the_training_is_composed() -> None:
    words = ["experiment=sr3d/stage1", "model.attention=flash"]
    with pytest.raises(ValueError, match=r"attention 'flash' cannot train.*sdpa, flex_attention, eager"):
        compose_config("train", words)
    assert compose_config("train", [*words[:-1], "model.attention=flex_attention"]).model.attention == "flex_attention"


def test_arms_without_a_point_map_are_not_told_the_scale_of_the_scene() -> None:
    for arm in ARMS:
        config = compose_config("train", ["experiment=rgpt4d/tiny_dynamic", f"arm={arm}"])
        assert (config.model.config.scale == "token") == config.arm.position_encoding


def test_the_folder_of_another_run_is_refused_and_a_moved_one_is_not(tmp_path: Path) -> None:
    def training(folder: Path, steps: int = 5) -> DictConfig:
        return compose_config("train", [f"output={folder}", f"trainer.max_steps={steps}"])

    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    OmegaConf.save(training(here), here / "config.yaml", resolve=True)
    refuse_other_config(here, training(here))
    here.rename(there)
    refuse_other_config(there, training(there))
    with pytest.raises(ValueError, match="another configuration"):
        refuse_other_config(there, training(there, steps=6))
