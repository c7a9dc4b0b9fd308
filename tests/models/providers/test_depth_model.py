"""Depth models agree with the stock classes and their post-processing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoImageProcessor, AutoModelForDepthEstimation, ViTConfig, ViTModel

from models.geometry import default_intrinsics, unproject
from models.providers import DepthModel, relative_to_depth
from models.providers.depth_model import UNUSED
from scenes.clip import Clip
from scenes.readers.estimated_geometry import add_geometry
from tests.support.folders.depth_checkpoints import RELATIVE, WRITERS, write_depth_model

KNOWN = torch.tensor([[50.0, 0, 30], [0, 55, 20], [0, 0, 1]]).expand(3, 3, 3)


@pytest.fixture(params=list(WRITERS))
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A random model of the published layout."""
    return write_depth_model(request.param, tmp_path / request.param)


@pytest.fixture
def video() -> torch.Tensor:
    return torch.randint(0, 256, (3, 3, 48, 64), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


@pytest.fixture
def measured() -> torch.Tensor:
    return 1 + torch.rand(3, 48, 64, generator=torch.Generator().manual_seed(2))


def stock_output(checkpoint: Path, video: torch.Tensor, measured: torch.Tensor) -> list[dict[str, Any]]:
    network = AutoModelForDepthEstimation.from_pretrained(checkpoint).eval()
    processor = AutoImageProcessor.from_pretrained(checkpoint)
    kind = network.config.model_type
    prompt = {"prompt_depth": [1000 * one for one in measured]} if kind == "prompt_depth_anything" else {}
    with torch.no_grad():
        output = network(**processor(images=list(video), return_tensors="pt", **prompt))
    size = [tuple(video.shape[2:])] * len(video)
    padded = {"source_sizes": size} if kind == "zoedepth" else {}
    return processor.post_process_depth_estimation(output, target_sizes=size, **padded)


def test_depth_equals_the_stock_class_and_the_formula(
    checkpoint: Path, video: torch.Tensor, measured: torch.Tensor
) -> None:
    provider = DepthModel(checkpoint, batch=2)  # three frames: one batch is not full
    estimate = provider(video, depth=measured)
    results = stock_output(checkpoint, video, measured)
    output = torch.stack([one["predicted_depth"] for one in results])
    assert provider.metric == estimate.metric == (checkpoint.name not in RELATIVE)
    if provider.metric:
        expected = output
    else:
        low, high = (output.flatten(1).quantile(q, 1)[:, None, None] for q in (0, 1))
        expected = 1 / (0.1 + 0.9 * (output - low) / (high - low))
    assert expected.std() > 1e-3 * expected.abs().mean()  # not constant, so that this parity means something
    valid = estimate.points.valid
    assert valid.float().mean() > 0.9  # bicubic resizing may overshoot below 0, which is no depth
    torch.testing.assert_close(estimate.points.xyz[..., 2][valid], expected[valid], atol=1e-4, rtol=1e-4)  # batching
    focal = results[0].get("focal_length")
    default = default_intrinsics(48, 64)[0, 0] if focal is None else focal
    torch.testing.assert_close(estimate.intrinsics[0, 0, 0], default, rtol=1e-4, atol=0)


@pytest.mark.parametrize("checkpoint", ["depth_anything-relative"], indirect=True)
def test_relative_depth_spans_near_to_far(checkpoint: Path, video: torch.Tensor) -> None:
    z = DepthModel(checkpoint)(video).points.xyz[..., 2]
    torch.testing.assert_close(z.amin((1, 2)), torch.full((3,), 1.0))
    torch.testing.assert_close(z.amax((1, 2)), torch.full((3,), 10.0))


def test_known_intrinsics_are_used(checkpoint: Path, video: torch.Tensor, measured: torch.Tensor) -> None:
    estimate = DepthModel(checkpoint)(video, KNOWN, measured)
    assert torch.equal(estimate.intrinsics, KNOWN)
    torch.testing.assert_close(estimate.points.xyz, unproject(estimate.points.xyz[..., 2], KNOWN).xyz)


@pytest.mark.parametrize("checkpoint", ["depth_pro"], indirect=True)
def test_depth_pro_scales_its_depth_by_the_known_focal_length(checkpoint: Path, video: torch.Tensor) -> None:
    free, known = DepthModel(checkpoint)(video), DepthModel(checkpoint)(video, KNOWN)
    focal = free.intrinsics[:, 0, 0]
    assert 1 < math.degrees(2 * math.atan(32 / float(focal[0]))) < 120
    ratio = known.points.xyz[..., 2] / free.points.xyz[..., 2]  # canonical inverse depth times width / focal length
    torch.testing.assert_close(ratio, (50 / focal)[:, None, None].expand_as(ratio), rtol=1e-3, atol=0)


@pytest.mark.parametrize("checkpoint", ["prompt_depth_anything"], indirect=True)
def test_a_model_that_refines_depth_needs_it(checkpoint: Path, video: torch.Tensor, measured: torch.Tensor) -> None:
    measured[1, 3, 4] = 0  # a hole
    for depth in (None, measured):
        with pytest.raises(ValueError, match="refines measured depth and needs it at every pixel"):
            DepthModel(checkpoint)(video, depth=depth)


@pytest.mark.parametrize("checkpoint", ["depth_anything-metric"], indirect=True)
def test_a_picture_that_is_too_thin_is_refused_in_its_own_terms(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match="frames of 400x2 pixels are too small or too thin"):
        DepthModel(checkpoint)(torch.zeros(1, 3, 2, 400, dtype=torch.uint8))


def test_another_model_is_refused(tmp_path: Path) -> None:
    ViTModel(ViTConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8)).save_pretrained(
        tmp_path
    )
    with pytest.raises(ValueError, match="is not a depth model that transformers reads"):
        DepthModel(tmp_path)


@pytest.mark.parametrize("checkpoint", ["depth_anything-metric"], indirect=True)
def test_a_clip_gets_depth_and_intrinsics(checkpoint: Path, video: torch.Tensor) -> None:
    clip = add_geometry(Clip(video, torch.arange(3).float()), DepthModel(checkpoint))
    points = clip.points()
    assert points is not None
    assert points.frame == "cam"
    torch.testing.assert_close(points.xyz, DepthModel(checkpoint)(video).points.xyz)


def test_inverse_depth_becomes_z_by_the_published_formula() -> None:
    z = relative_to_depth(torch.tensor([[[0.0, 5.0, 10.0]], [[2.0, 2.0, 2.0]]]))
    torch.testing.assert_close(z[0, 0], torch.tensor([10.0, 1 / 0.55, 1.0]))
    assert torch.equal(z[1], torch.full((1, 3), 10.0))  # a constant map has no near pixel; nothing is NaN


@pytest.mark.parametrize("missing", ["folder", "depth-anything/not-downloaded"])
def test_a_missing_checkpoint_says_how_to_get_one(tmp_path: Path, missing: str) -> None:
    with pytest.raises(FileNotFoundError, match="hf download") as caught:
        DepthModel(tmp_path / missing if missing == "folder" else missing)
    assert "\n" not in str(caught.value)


def test_a_model_that_lacks_weights_is_refused_and_one_that_lacks_unused_ones_is_not(tmp_path: Path) -> None:
    folder = write_depth_model("dpt", tmp_path / "model")
    file = folder / "model.safetensors"
    weights = load_file(file)
    used = {key: weight for key, weight in weights.items() if not key.startswith(UNUSED)}
    assert 0 < len(weights) - len(used) < 9
    video = torch.randint(0, 256, (1, 3, 48, 64), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    expected = DepthModel(folder)(video).points.xyz
    save_file(used, file, {"format": "pt"})
    assert torch.equal(DepthModel(folder)(video).points.xyz, expected)
    key = next(key for key in used if key.startswith("head."))
    save_file({name: weight for name, weight in used.items() if name != key}, file, {"format": "pt"})
    with pytest.raises(ValueError, match=rf"model' lacks 1 weights of DPTForDepthEstimation, such as {key}"):
        DepthModel(folder)
