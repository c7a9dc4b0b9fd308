"""A fake of MapAnything's package, with the interface of its published code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import roma
import torch

from models.geometry import default_intrinsics, unproject

FACTORY = """
from tests.support.map_anything import FakeModel


def init_model_from_config(model_name, device="cuda", machine="default"):
    return FakeModel(model_name).to(device)
"""


class FakeModel(torch.nn.Module):
    """Answers as the factory's models do: a wall at depth 2, seen by a camera that moves and turns to the right."""

    views: list[dict[str, Any]]  # of the last call

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, views: list[dict[str, Any]]) -> list[dict[str, torch.Tensor]]:
        """Predict one output a view."""
        FakeModel.views = views
        return [self._predict(view, number) for number, view in enumerate(views)]

    def _predict(self, view: dict[str, Any], number: int) -> dict[str, torch.Tensor]:
        """Predict one view; its confidence is the row number. MoGe gives no pose and masks the upper half."""
        height, width = view["img"].shape[-2:]
        points = unproject(torch.full((height, width), 2.0), default_intrinsics(height, width, 50))
        output = {"pts3d_cam": points.xyz[None]}
        if self.name.startswith("moge"):
            mask = torch.ones(1, height, width, dtype=torch.bool)
            mask[:, : height // 2] = False
            return {**output, "non_ambiguous_mask": mask}
        turn = roma.rotvec_to_unitquat(torch.tensor([0.0, 0.1 * number, 0.0]))
        rows = torch.arange(height).float()[None, :, None].expand(1, height, width)
        return {**output, "cam_trans": torch.tensor([[0.5 * number, 0, 0]]), "cam_quats": turn[None], "conf": rows}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that is imported as a checkout of the package, which is forgotten after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    package = tmp_path / "mapanything" / "models"
    package.mkdir(parents=True)
    (tmp_path / "mapanything" / "__init__.py").touch()
    (package / "__init__.py").write_text(FACTORY)
    yield tmp_path
    for name in [name for name in sys.modules if name.partition(".")[0] == "mapanything"]:
        del sys.modules[name]
