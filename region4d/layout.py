"""Classes named in configurations, in the repository and in an installed wheel."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from models.resources import resource_folder

TOP_LEVEL = ("models", "scenes", "training", "benchmarks", "distill", "probes")
PREFIX = resource_folder.__module__.partition("models")[0]  # "" in the repository, "region4d." in a wheel


def in_this_layout(node: DictConfig) -> DictConfig:
    """Name classes as this installation has them.

    Configurations always say `_target_: models.sr3d.SR3DConfig`, so that the saved `config.yaml` of a run is the same
    wherever it was made. In a wheel that class lies in `region4d.models.sr3d` (see `setup.py`).
    """
    if not PREFIX:
        return node
    renamed: DictConfig = OmegaConf.create(_renamed(OmegaConf.to_container(node, resolve=True)))
    return renamed


def _renamed(node: Any) -> Any:
    if isinstance(node, list):
        return [_renamed(item) for item in node]
    if isinstance(node, dict):
        return {key: PREFIX + value if _is_ours(key, value) else _renamed(value) for key, value in node.items()}
    return node


def _is_ours(key: object, value: object) -> bool:
    return key == "_target_" and isinstance(value, str) and value.split(".")[0] in TOP_LEVEL
