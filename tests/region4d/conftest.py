from pathlib import Path

import pytest
import torch

from models.lifting.checkpoint import build_model, save_model
from tests.support.lifting import shaken
from tests.support.studies import write_world_study


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for rendered worlds that tests share."""
    return tmp_path_factory.mktemp("worlds")


@pytest.fixture(scope="session")
def world_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two worlds."""
    return write_world_study(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model whose weights were moved off their start, so that everything has an effect."""
    torch.manual_seed(0)
    encoder = {"patch": 8, "width": 16, "depth": 1, "heads": 2}
    model = build_model(
        vae={"resolution": 8, "channels": [8, 8, 16], "blocks": 1},
        flow={"width": 24, "depth": 2, "heads": 2},
        conditioner={
            "width": 24,
            "image_size": 16,
            "image": encoder,
            "mask": encoder,
            "points": {"width": 16, "size": 16, "patch": 8, "heads": 2},
        },
    )
    folder = tmp_path_factory.mktemp("model")
    save_model(shaken(model), folder)
    return folder
