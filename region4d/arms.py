"""Arms of the 3D against 4D comparison (configs/arm): which experiment can train which arm."""

from __future__ import annotations

from omegaconf import DictConfig


def refuse_arm_without_teacher(config: DictConfig) -> None:
    """Refuse to train an arm that distils by an experiment that would train it without a teacher.

    Raises:
        ValueError: the module has no loss for what a teacher says.
    """
    arm = config.get("arm")  # only the experiments of SR-3D have arms
    if arm is not None and arm.distils and "teacher" not in config.module:
        raise ValueError(
            f"arm '{arm.name}' requires a teacher, but experiment '{config.name}' does not define one; use "
            "experiment=rgpt4d/tiny_dynamic, or module=sr3d/p4d and data=sr3d/dynamic"
        )
