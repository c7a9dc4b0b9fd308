"""RegionGPT's region extractor gives what SpatialRGPT's own code gave."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch
from einops import rearrange
from safetensors.torch import load_file
from torch import Tensor

from models.regions import RegionMasks
from models.sr3d.regiongpt import RegionGPTExtractor, pool_resized

GOLDEN = Path(__file__).parents[4] / "shared" / "golden" / "spatialrgpt_region"
CLOSE = {"atol": 1e-5, "rtol": 1e-5}  # another order of the same sums


@pytest.fixture(scope="module")
def golden() -> dict[str, Tensor]:
    if not GOLDEN.is_dir():
        pytest.skip(f"no {GOLDEN.name} beside the repository: values recorded from SpatialRGPT")
    return load_file(GOLDEN / "golden.safetensors")


@pytest.fixture(scope="module")
def extractor(golden: dict[str, Tensor]) -> RegionGPTExtractor:
    sizes = json.loads((GOLDEN / "golden.json").read_text())["sizes"]
    made = RegionGPTExtractor(sizes["mm_hidden_size"], sizes["hidden_size"])
    made.load_state_dict({key[6:]: value for key, value in golden.items() if key.startswith("state.")})
    return made.eval()


def _masks(golden: dict[str, Tensor]) -> RegionMasks:
    """The regions of pictures 0 and 2; picture 1 has none."""
    per_picture = {picture: golden[f"masks.{picture}"] for picture in (0, 2)}
    masks = torch.cat(list(per_picture.values())).bool()
    tile = torch.tensor([picture for picture, own in per_picture.items() for _ in own])
    return RegionMasks(masks, tile, torch.arange(len(masks)), tuple(f"region {k}" for k in range(len(masks))))


def _both(golden: dict[str, Tensor], name: str) -> Tensor:
    return torch.cat([golden[f"{name}.0"], golden[f"{name}.2"]])


def _grid(features: Tensor) -> Tensor:
    return rearrange(features, "t (r c) d -> t r c d", r=round(features.shape[1] ** 0.5))


@torch.no_grad()
def test_refined_and_averaged_features(golden: dict[str, Tensor], extractor: RegionGPTExtractor) -> None:
    fine = extractor.refine(_grid(golden["image_features"]))
    torch.testing.assert_close(fine, _grid(golden["hres_features"]), **CLOSE)
    torch.testing.assert_close(extractor.coarse(fine), _grid(golden["lres_features"]), **CLOSE)


@torch.no_grad()
def test_features_pooled_under_masks(golden: dict[str, Tensor]) -> None:
    fine, raw, masks = _grid(golden["hres_features"]), _grid(golden["image_features"]), _masks(golden)
    torch.testing.assert_close(pool_resized(fine, masks), _both(golden, "pooled"), **CLOSE)
    torch.testing.assert_close(pool_resized(raw, masks), _both(golden, "pooled_before_refinement"), **CLOSE)


@torch.no_grad()
def test_the_two_tokens_of_each_region(golden: dict[str, Tensor], extractor: RegionGPTExtractor) -> None:
    masks = _masks(golden)
    tokens = extractor(_grid(golden["hres_features"]), masks)
    torch.testing.assert_close(tokens, _both(golden, "rgb_embeds"), **CLOSE)
    depth = extractor.depth_tokens(_grid(golden["hres_depth"]), masks)
    torch.testing.assert_close(depth, _both(golden, "depth_embeds"), **CLOSE)


def test_a_region_on_two_pictures_is_refused() -> None:
    masks = RegionMasks(
        torch.ones(2, 8, 8, dtype=torch.bool), torch.tensor([0, 1]), torch.zeros(2, dtype=torch.long), ("cup",)
    )
    with pytest.raises(ValueError, match="regions of one picture"):
        pool_resized(torch.rand(2, 4, 4, 3), masks)


def test_a_mask_that_vanishes_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    mask = torch.zeros(1, 64, 64, dtype=torch.bool)
    mask[0, 0, 0] = True
    masks = RegionMasks(mask, torch.tensor([0]), torch.tensor([0]), ("pin",))
    with caplog.at_level(logging.WARNING):
        assert not pool_resized(torch.rand(1, 4, 4, 3), masks).any()
    assert "pin: too small for 4 x 4 features" in caplog.text
