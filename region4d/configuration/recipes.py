"""Which model a recipe of training is for: other ones are refused before any weight is read."""

from __future__ import annotations

import math
from pathlib import Path

from omegaconf import DictConfig
from safetensors import SafetensorError, safe_open

OF_SR3D = ("training.sr3d.", "distill.student.")  # modules that train an SR-3D


def refuse_other_model(config: DictConfig) -> None:
    """Refuse a composition whose module does not train such a model, or would ruin it at its learning rate.

    Raises:
        ValueError: the module is for another kind of model, or the checkpoint has more than `module.most_parameters`.
    """
    module, model = (str(config[part].get("_target_", "")) for part in ("module", "model"))
    if model.startswith("models.sr3d.") and not module.startswith(OF_SR3D):
        raise ValueError(
            f"experiment '{config.name}' does not train an SR-3D, and {model} is one; leave model=... out, or take "
            "another experiment"
        )
    most, folder = config.module.get("most_parameters"), config.model.get("folder")
    if most is None or folder is None:
        return
    count = count_parameters(Path(folder))
    if count > most:
        large = "rgpt4d/nvila_lite" if module.startswith("distill.") else "sr3d/stage1"
        raise ValueError(
            f"experiment '{config.name}' is for models of at most {most / 1e6:,.0f} million parameters, and {folder} "
            f"has {count / 1e6:,.0f} million, which its learning rate would ruin; take another experiment, such as "
            f"{large}, or set module.most_parameters=null"
        )


def count_parameters(folder: Path) -> int:
    """Count the numbers in all weights of a folder, from their headers; 0 where there are none that can be read."""
    total = 0
    for path in folder.rglob("*.safetensors"):
        try:
            with safe_open(path, "pt") as file:
                total += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
        except (SafetensorError, OSError):
            continue  # who loads it says what is wrong
    return total
