"""Configurations name classes as the repository does, wherever region4d is installed."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from region4d import layout
from region4d.layout import in_this_layout

MODEL = {
    "_target_": "models.sr3d.SR3DConfig",
    "heads": ["models.heads", {"_target_": "torch.nn.Linear"}],
    "width": 8,
    "about": "models.heads",
}


def test_in_the_repository_names_stay_as_they_are() -> None:
    config = OmegaConf.create(MODEL)
    assert in_this_layout(config) is config


def test_in_a_wheel_classes_of_this_project_lie_below_region4d(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "PREFIX", "region4d.")
    config = OmegaConf.create(
        {"model": MODEL, "parts": [{"_target_": "training.module.Part"}], "scenes": "${model.width}"}
    )
    assert in_this_layout(config) == {
        "model": MODEL | {"_target_": "region4d.models.sr3d.SR3DConfig"},
        "parts": [{"_target_": "region4d.training.module.Part"}],
        "scenes": 8,
    }
    assert config.model["_target_"] == "models.sr3d.SR3DConfig"
