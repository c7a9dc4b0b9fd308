"""Checkpoints of a training that leaves most weights as they were loaded: without the frozen ones."""

from __future__ import annotations

from typing import Any

from lightning import LightningModule


def trained_names(module: LightningModule) -> set[str]:
    """Name the parameters that are trained, also by the second name of one that is tied."""
    return {name for name, weight in module.named_parameters(remove_duplicate=False) if weight.requires_grad}


def leave_frozen_out(checkpoint: dict[str, Any], module: LightningModule) -> None:
    """Keep trained weights and buffers of a checkpoint that is about to be written."""
    kept = trained_names(module) | {name for name, _ in module.named_buffers()}
    checkpoint["state_dict"] = {name: value for name, value in checkpoint["state_dict"].items() if name in kept}


def refuse_incomplete(checkpoint: dict[str, Any], module: LightningModule) -> None:
    """Raise ValueError for a checkpoint without some of the trained weights, which is one of another training."""
    if missing := sorted(trained_names(module) - checkpoint["state_dict"].keys()):
        raise ValueError(f"the checkpoint lacks {len(missing)} trained weights, the first is {missing[0]}")
