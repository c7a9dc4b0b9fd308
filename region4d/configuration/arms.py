"""Arms of the 3D against 4D comparison (configs/arm): which experiment can train which arm."""

from __future__ import annotations

from typing import Any

from lightning import LightningModule
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
            "experiment=rgpt4d/tiny_dynamic (or tiny_annotated, for files of your own), or module=sr3d/p4d and "
            "data=sr3d/dynamic"
        )


def shared_teacher(config: DictConfig, module: LightningModule) -> dict[str, Any]:
    """Give the teacher of a module as an argument of its data, where both name the same: it is built once."""
    teacher = getattr(module, "teacher", None)
    same = config.data.get("teacher") == config.module.get("teacher")
    return {"teacher": teacher} if teacher is not None and same else {}
