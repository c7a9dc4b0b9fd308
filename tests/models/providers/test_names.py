from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.providers import DepthModel, GeometryFiles, open_provider
from tests.support.folders.depth_checkpoints import write_depth_model


def test_a_name_tells_its_provider(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", depth=np.ones((1, 2, 2)))
    assert isinstance(open_provider(str(tmp_path / "a.npz")), GeometryFiles)
    assert isinstance(open_provider(str(tmp_path)), GeometryFiles)
    checkpoint = write_depth_model("depth_anything-metric", tmp_path / "model")  # holds a .safetensors file, too
    assert isinstance(open_provider(str(checkpoint)), DepthModel)


@pytest.mark.parametrize("name", ["missing.npz", "missing"])
def test_what_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=name):
        open_provider(name)


def test_an_unknown_name_lists_the_providers() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        open_provider("nonsense")
    said = str(caught.value)
    names = (
        "'nonsense'",
        "odometry",
        "colmap",
        "mapanything[:MODEL[@CHECKOUT]]",
        ".npz",
        ".safetensors",
        "depth model",
    )
    assert [name for name in names if name not in said] == []
    assert "\n" not in said
