"""Arms of the 3D against 4D comparison."""

import pytest
from omegaconf import OmegaConf

from region4d.configuration.arms import refuse_arm_without_teacher
from region4d.configuration.compose import CONFIGS, compose_config

ARMS = sorted(p.stem for p in (CONFIGS / "arm").glob("*.yaml"))


def test_an_arm_that_distils_is_refused_by_an_experiment_without_a_teacher() -> None:
    refuse_arm_without_teacher(compose_config("train", ["experiment=rgpt4d/tiny_dynamic", "arm=4d"]))
    refuse_arm_without_teacher(compose_config("train", ["experiment=sr3d/tiny_static", "arm=3d"]))
    with pytest.raises(ValueError, match="arm '4d' requires a teacher, but experiment 'sr3d/tiny_static'"):
        refuse_arm_without_teacher(compose_config("train", ["experiment=sr3d/tiny_static", "arm=4d"]))


@pytest.mark.parametrize("arm", ARMS)
def test_an_arm_distils_where_it_has_a_loss_for_it(arm: str) -> None:
    config = compose_config("train", [f"arm={arm}"]).arm
    assert config.distils == (config.latent or config.explicit)


def test_experiments_without_arms_and_arms_that_do_not_distil_need_no_teacher() -> None:
    refuse_arm_without_teacher(OmegaConf.create({"name": "lifting/cpu", "module": {}}))
    refuse_arm_without_teacher(OmegaConf.create({"name": "a", "arm": {"name": "3d", "distils": False}, "module": {}}))
