"""Stock teachers from small checkpoints in the published formats."""

from pathlib import Path

import pytest
import torch
from torchvision.models import optical_flow
from transformers import VideoMAEConfig, VideoMAEModel, VJEPA2Config, VJEPA2Model

from distill.teachers import Teacher
from distill.teachers.stock import StockTeacher, backward_flow, load_raft
from scenes.clip import Clip
from tests.support.distillation import FRAMES, SIZE, VIDEO


def write_encoder(kind: str, folder: Path) -> Path:
    torch.manual_seed(0)
    if kind == "videomae":
        VideoMAEModel(VideoMAEConfig(**{k: v for k, v in VIDEO.items() if k != "model_type"})).save_pretrained(folder)
    else:
        config = VJEPA2Config(
            patch_size=8,
            crop_size=SIZE,
            frames_per_clip=FRAMES,
            tubelet_size=2,
            hidden_size=24,
            num_hidden_layers=4,
            num_attention_heads=2,
            pred_hidden_size=12,
            pred_num_hidden_layers=1,
            pred_num_attention_heads=2,
        )
        VJEPA2Model(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def raft(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("raft") / "raft_small.pth"
    torch.save(optical_flow.raft_small(weights=None).state_dict(), path)
    return path


@pytest.mark.parametrize("kind", ["videomae", "vjepa2"])
def test_latents_and_flow_come_from_the_stock_classes(kind: str, clips: list[Clip], raft: Path, tmp_path: Path) -> None:
    folder = write_encoder(kind, tmp_path / kind)
    teacher = StockTeacher(folder, (1, 2, 3, 4), FRAMES, SIZE, flow=raft, flow_model="raft_small")
    assert isinstance(teacher, Teacher)
    targets = teacher.targets(clips[0])
    assert targets.latents is not None
    assert tuple(targets.latents.shape) == teacher.spec.latent
    assert set(targets.signals.values) == {"flow"}
    assert targets.signals.values["flow"].shape == (FRAMES, 2, SIZE, SIZE)
    assert not targets.signals.valid["flow"][0].any()
    with pytest.raises(ValueError, match="trainable heads"):
        teacher.decode(targets.latents[None])


def test_backward_flow_gives_raft_the_frames_swapped_and_scales_to_pixels() -> None:
    seen = []

    class Constant(torch.nn.Module):
        def forward(self, first: torch.Tensor, second: torch.Tensor) -> list[torch.Tensor]:
            seen.append((first, second))
            return [torch.ones(len(first), 2, *first.shape[-2:])]

    video = torch.arange(3, dtype=torch.uint8)[:, None, None, None].expand(3, 3, 64, 64)
    flow = backward_flow(Constant(), video)
    first, second = seen[0]
    assert first.shape[-2:] == (128, 128)
    assert bool((first > second).all())  # each frame first, the one before it second
    assert torch.equal(flow[0], torch.zeros(2, 64, 64))
    torch.testing.assert_close(flow[1:], torch.full((2, 2, 64, 64), 0.5))  # one pixel at twice the size


def test_what_is_missing_is_named(tmp_path: Path, raft: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no video encoder"):
        StockTeacher(tmp_path / "none", (1,), FRAMES, SIZE)
    with pytest.raises(FileNotFoundError, match="no RAFT weights"):
        load_raft(tmp_path / "none.pth", "raft_small")
    with pytest.raises(ValueError, match="does not fit torchvision's raft_large"):
        load_raft(raft, "raft_large")
