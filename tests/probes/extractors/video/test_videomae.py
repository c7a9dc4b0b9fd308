from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import interpolate
from transformers import VideoMAEModel

from probes.extractors.video.videomae import VideoMAEExtractor
from tests.support.checkpoints.image import transformers_encoder
from tests.support.checkpoints.videomae import videomae


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videomae(tmp_path_factory.mktemp("videomae"))


def load(
    folder: Path, frames: int = 7, windows: str = "interleaved", size: tuple[int, int] = (16, 16)
) -> VideoMAEExtractor:
    return VideoMAEExtractor.from_pretrained(folder, "videomae", size, frames, torch.float32, windows)  # type: ignore[arg-type]


def video(frames: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (frames, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_features_of_a_piece_are_the_hidden_states_of_the_stock_model(folder: Path) -> None:
    found = load(folder).extract(video(), [0, 2])
    frames = interpolate(video().float() / 255, (16, 16), mode="bicubic", antialias=True).clamp(0, 1)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    frames = (frames - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    with torch.no_grad():
        stock = VideoMAEModel.from_pretrained(folder).eval()(frames[None, [0, 2, 4, 6]], output_hidden_states=True)
    for layer in (0, 2):
        assert found[layer].values.shape == (4, 2, 2, 24)
        assert torch.equal(found[layer].values[2:].reshape(1, -1, 24), stock.hidden_states[layer + 1])
    assert found[0].slots.frames == ((0, 1), (3, 5), (0, 2), (4, 6))


def test_weights_under_published_names_are_taken(folder: Path) -> None:
    published = load_file(folder / "model.safetensors")
    name = next(key for key in published if "encoder" in key and key.endswith("0.attention.attention.q_bias"))
    taken = load(folder).blocks[0].attention.attention.query.bias
    assert torch.equal(taken, published[name])


def test_a_changed_frame_changes_its_slot_alone_where_tokens_do_not_attend(folder: Path) -> None:
    extractor = load(folder, 8, "consecutive")
    for block in extractor.blocks:
        torch.nn.init.zeros_(block.attention.output.dense.weight)
    changed = video()
    changed[5] = 255 - changed[5]
    one, other = (extractor.extract(frames, [2])[2] for frames in (video(), changed))
    assert one.slots.frames == ((0, 1), (2, 3), (4, 5), (6, 7))
    assert [slot for slot in range(4) if not torch.equal(one.values[slot], other.values[slot])] == [2]


def test_two_runs_give_the_same_bytes(folder: Path) -> None:
    one, other = (load(folder).extract(video(), [2])[2].values for _ in range(2))
    assert torch.equal(one, other)


def test_another_number_of_frames_at_a_time_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="takes 4 frames at a time, got 8: set windows to"):
        load(folder, 8, "whole").extract(video(), [0])


def test_another_size_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"takes frames of \(16, 16\) pixels"):
        load(folder, size=(16, 24))


def test_a_layer_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="has no layer 3: its blocks are 0 to 2"):
        load(folder).extract(video(), [3])


def test_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds a vit, not a videomae: choose the extractor of that model"):
        load(transformers_encoder(tmp_path, "vit"))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no config\.json in"):
        load(tmp_path)
