from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoImageProcessor,
    DepthAnythingConfig,
    DepthAnythingForDepthEstimation,
    Dinov2Config,
    DPTImageProcessor,
)

from models.geometry import default_intrinsics, unproject
from models.providers import DepthAnythingV2, relative_to_depth
from scenes.clip import Clip
from scenes.readers.estimated_geometry import add_geometry


@pytest.fixture(params=["relative", "metric"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A random Depth Anything V2 of the published layout, with a four-layer backbone."""
    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        mlp_ratio=2,
        image_size=56,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 16, 16, 16],
        fusion_hidden_size=16,
        head_hidden_size=8,
        depth_estimation_type=request.param,
        max_depth=20 if request.param == "metric" else 1,
    )
    network = DepthAnythingForDepthEstimation(config)
    for weight in (w for part in (network.neck, network.head) for w in part.parameters() if w.ndim > 1):
        torch.nn.init.kaiming_normal_(weight)  # the stock initialisation gives a constant map
    network.head.conv3.weight.data.abs_()  # and this one may give 0 everywhere after the last ReLU
    network.save_pretrained(tmp_path)
    DPTImageProcessor(
        size={"height": 56, "width": 56},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        resample=3,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    ).save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def video() -> torch.Tensor:
    return torch.randint(0, 256, (3, 3, 48, 64), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def stock_output(checkpoint: Path, video: torch.Tensor) -> torch.Tensor:
    network = DepthAnythingForDepthEstimation.from_pretrained(checkpoint).eval()
    processor = AutoImageProcessor.from_pretrained(checkpoint)
    with torch.no_grad():
        output = network(**processor(images=list(video), return_tensors="pt"))
    resized = processor.post_process_depth_estimation(output, target_sizes=[tuple(video.shape[2:])] * len(video))
    return torch.stack([one["predicted_depth"] for one in resized])


def test_depth_equals_the_stock_class_and_the_formula(checkpoint: Path, video: torch.Tensor) -> None:
    provider = DepthAnythingV2(checkpoint, batch=2)  # three frames: one batch is not full
    estimate = provider(video)
    output = stock_output(checkpoint, video)
    if provider.metric:
        expected = output
    else:
        low, high = (output.flatten(1).quantile(q, 1)[:, None, None] for q in (0, 1))
        expected = 1 / (0.1 + 0.9 * (output - low) / (high - low))
    assert expected.std() > 0.01  # the map is not constant, so that this parity means something
    valid = estimate.points.valid
    assert valid.float().mean() > 0.9  # bicubic resizing may overshoot below 0, which is no depth
    torch.testing.assert_close(estimate.points.xyz[..., 2][valid], expected[valid], atol=1e-4, rtol=1e-4)  # batching


@pytest.mark.parametrize("checkpoint", ["relative"], indirect=True)
def test_relative_depth_spans_near_to_far(checkpoint: Path, video: torch.Tensor) -> None:
    z = DepthAnythingV2(checkpoint)(video).points.xyz[..., 2]
    torch.testing.assert_close(z.amin((1, 2)), torch.full((3,), 1.0))
    torch.testing.assert_close(z.amax((1, 2)), torch.full((3,), 10.0))


def test_known_intrinsics_are_used_and_60_degrees_assumed_otherwise(checkpoint: Path, video: torch.Tensor) -> None:
    provider = DepthAnythingV2(checkpoint)
    assumed = provider(video)
    torch.testing.assert_close(assumed.intrinsics, default_intrinsics(48, 64).expand(3, 3, 3))
    known = torch.tensor([[50.0, 0, 30], [0, 55, 20], [0, 0, 1]]).expand(3, 3, 3)
    estimate = provider(video, known)
    assert torch.equal(estimate.intrinsics, known)
    torch.testing.assert_close(estimate.points.xyz, unproject(estimate.points.xyz[..., 2], known).xyz)


def test_a_clip_gets_depth_and_intrinsics(checkpoint: Path, video: torch.Tensor) -> None:
    clip = add_geometry(Clip(video, torch.arange(3).float()), DepthAnythingV2(checkpoint))
    points = clip.points()
    assert points is not None
    assert points.frame == "cam"
    torch.testing.assert_close(points.xyz, DepthAnythingV2(checkpoint)(video).points.xyz)


def test_inverse_depth_becomes_z_by_the_published_formula() -> None:
    z = relative_to_depth(torch.tensor([[[0.0, 5.0, 10.0]], [[2.0, 2.0, 2.0]]]))
    torch.testing.assert_close(z[0, 0], torch.tensor([10.0, 1 / 0.55, 1.0]))
    assert torch.equal(z[1], torch.full((1, 3), 10.0))  # a constant map has no near pixel; nothing is NaN


@pytest.mark.parametrize("missing", ["folder", "depth-anything/not-downloaded"])
def test_a_missing_checkpoint_says_how_to_get_one(tmp_path: Path, missing: str) -> None:
    with pytest.raises(FileNotFoundError, match="hf download") as caught:
        DepthAnythingV2(tmp_path / missing if missing == "folder" else missing)
    assert "\n" not in str(caught.value)
