"""Models of MapAnything's factory, on a fake of its interface that is checked against its published code."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf

from models.geometry import default_intrinsics, transform
from models.providers import MapAnythingModel, open_provider
from models.providers.multi_view.map_anything import RECIPES
from tests.support.map_anything import FakeModel

HEIGHT, WIDTH = 36, 64
VIDEO = torch.randint(0, 256, (3, 3, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
PUBLISHED = os.environ.get("MAPANYTHING_CHECKOUT")  # a checkout of the published code


def test_several_views_come_with_poses_and_cameras(checkout: Path) -> None:
    estimate = MapAnythingModel("vggt", checkout)(VIDEO)
    assert not estimate.metric  # VGGT is trained up to scale
    assert estimate.points.valid.all()
    torch.testing.assert_close(estimate.points.xyz[..., 2], torch.full((3, HEIGHT, WIDTH), 2.0))
    expected = default_intrinsics(HEIGHT, WIDTH, 50)
    torch.testing.assert_close(estimate.intrinsics[1, 0], expected[0], rtol=1e-3, atol=1e-2)
    assert estimate.intrinsics[1, 1, 1] == pytest.approx(float(expected[1, 1]), rel=0.03)  # 294 rows for 291.4
    assert estimate.world_T_cam is not None
    torch.testing.assert_close(estimate.world_T_cam[:, :3, 3], torch.tensor([[0.0, 0, 0], [0.5, 0, 0], [1, 0, 0]]))
    ahead = transform(estimate.points, estimate.world_T_cam, "world").xyz[2, HEIGHT // 2, WIDTH // 2]
    assert ahead[0] > 1.3  # a turn about y, which points down, to the right moves what lies ahead to +x
    assert estimate.confidence is not None
    assert (estimate.confidence[0].diff(dim=0) >= 0).all()


def test_pictures_go_in_as_the_model_was_trained(checkout: Path) -> None:
    MapAnythingModel("mapanything", checkout)(VIDEO)
    (first, *_) = FakeModel.views
    assert first["img"].shape == (1, 3, 294, 518)
    assert first["data_norm_type"] == ["dinov2"]
    mean, std = (torch.tensor(c)[:, None, None] for c in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    shown = first["img"] * std + mean
    assert shown.min() >= -1e-6
    torch.testing.assert_close(shown.mean(), VIDEO[0].float().mean() / 255, atol=0.01, rtol=0)


def test_a_model_of_single_views_gives_no_poses_and_marks_the_sky(checkout: Path) -> None:
    estimate = MapAnythingModel("moge_2", checkout)(VIDEO)
    assert estimate.metric
    assert estimate.world_T_cam is None
    assert len(FakeModel.views) == 1
    assert not estimate.points.valid[:, : HEIGHT // 2 - 1].any()
    assert estimate.points.valid[:, HEIGHT // 2 + 1 :].all()


def test_a_name_opens_it(checkout: Path) -> None:
    provider = open_provider(f"mapanything:pi3@{checkout}")
    assert isinstance(provider, MapAnythingModel)
    assert provider.name == "pi3"


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown multi-view model 'vgg'"):
        open_provider("mapanything:vgg")
    with pytest.raises(FileNotFoundError, match="no checkout of MapAnything"):
        open_provider(f"mapanything:vggt@{tmp_path}")
    with pytest.raises(ImportError, match="pip install -e CHECKOUT"):
        open_provider("mapanything")


@pytest.mark.skipif(PUBLISHED is None, reason="MAPANYTHING_CHECKOUT names no checkout of the published code")
def test_the_fake_agrees_with_the_published_code() -> None:
    root = Path(str(PUBLISHED))
    factory = ast.parse((root / "mapanything" / "models" / "__init__.py").read_text())
    (function,) = [
        node for node in factory.body if isinstance(node, ast.FunctionDef) and node.name == "init_model_from_config"
    ]
    assert [argument.arg for argument in function.args.args] == ["model_name", "device", "machine"]
    for name, recipe in RECIPES.items():
        config: Any = OmegaConf.to_container(OmegaConf.load(root / "configs" / "model" / f"{name}.yaml"), resolve=False)
        if "data_norm_type" in config and "$" not in config["data_norm_type"]:
            assert config["data_norm_type"] == recipe.normalisation, name
        wrapper = root / "mapanything" / "models" / "external" / config["model_str"] / "__init__.py"
        if wrapper.is_file():
            words = {node.value for node in ast.walk(ast.parse(wrapper.read_text())) if isinstance(node, ast.Constant)}
            needed = {"pts3d_cam", "cam_trans", "cam_quats"} if recipe.joint else {"pts3d_cam", "non_ambiguous_mask"}
            assert needed <= words, name
