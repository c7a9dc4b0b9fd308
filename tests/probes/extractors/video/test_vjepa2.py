from pathlib import Path

import pytest
import torch
from torch.nn.functional import interpolate
from transformers import VJEPA2Model

from probes.extractors.video.vjepa2 import VJEPA2Extractor
from tests.support.checkpoints.image import transformers_encoder
from tests.support.checkpoints.vjepa2 import vjepa2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return vjepa2(tmp_path_factory.mktemp("vjepa2"))


def load(folder: Path, size: tuple[int, int] = (32, 32), frames: int = 8, **options: object) -> VJEPA2Extractor:
    return VJEPA2Extractor.from_pretrained(folder, "vjepa2", size, frames, torch.float32, **options)  # type: ignore[arg-type]


def video(frames: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (frames, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_on_square_frames_features_are_what_the_block_gives_in_the_stock_forward(folder: Path) -> None:
    found = load(folder).extract(video(), [0, 2])
    frames = interpolate(video().float() / 255, (32, 32), mode="bicubic", antialias=True).clamp(0, 1)
    frames = (frames - torch.tensor([0.5, 0.4, 0.3]).view(3, 1, 1)) / torch.tensor([0.2, 0.3, 0.5]).view(3, 1, 1)
    stock = VJEPA2Model.from_pretrained(folder).eval()
    seen: dict[int, torch.Tensor] = {}
    for layer in (0, 2):
        stock.encoder.layer[layer].register_forward_hook(lambda _m, _i, output, k=layer: seen.update({k: output[0]}))
    with torch.no_grad():
        stock(frames[None], skip_predictor=True)
    for layer in (0, 2):
        assert found[layer].values.shape == (4, 4, 4, 24)
        assert torch.equal(found[layer].values.reshape(1, -1, 24), seen[layer])
    assert found[0].slots.frames == ((0, 1), (2, 3), (4, 5), (6, 7))


@pytest.mark.parametrize("size", [(16, 48), (48, 16), (32, 32)])
def test_blocks_count_the_slot_row_and_column_of_every_token(folder: Path, size: tuple[int, int]) -> None:
    extractor = load(folder, size)
    block = extractor.model.encoder.layer[0].attention
    positions = extractor.positions(4)
    counted = torch.stack(block.get_position_ids(torch.zeros(1, positions.shape[1], 24), positions), -1)[0, 0]
    places = torch.cartesian_prod(torch.arange(2), torch.arange(size[0] // 8), torch.arange(size[1] // 8))
    assert torch.equal(counted, places)


def test_features_of_oblong_frames_lie_on_their_grid(folder: Path) -> None:
    assert load(folder, (16, 48)).extract(video(), [1])[1].values.shape == (4, 2, 6, 24)


def test_a_changed_frame_changes_its_slot_alone_where_tokens_do_not_attend(folder: Path) -> None:
    extractor = load(folder, (16, 48), 10, windows="interleaved", length=4)
    for block in extractor.blocks:
        torch.nn.init.zeros_(block.attention.proj.weight)
    changed = video(10)
    changed[5] = 255 - changed[5]
    one, other = (extractor.extract(frames, [2])[2] for frames in (video(10), changed))
    assert one.slots.frames == ((0, 1), (4, 7), (0, 2), (5, 8), (0, 3), (6, 9))
    assert [slot for slot in range(6) if not torch.equal(one.values[slot], other.values[slot])] == [3]
    assert one.slots.slots_of([5]) == [3]


def test_two_runs_give_the_same_bytes(folder: Path) -> None:
    one, other = load(folder), load(folder)
    assert torch.equal(one.extract(video(), [2])[2].values, other.extract(video(), [2])[2].values)
    assert one.key(2) == other.key(2) != load(folder, windows="consecutive", length=4).key(2)


def test_frames_that_do_not_fill_tubelets_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="2 frames at a time, got 7: take 6"):
        load(folder, frames=7).extract(video(), [0])


def test_a_layer_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="has no layer 3: its blocks are 0 to 2"):
        load(folder).extract(video(), [3])


def test_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds a dinov2, not a vjepa2: choose the extractor of that model"):
        load(transformers_encoder(tmp_path, "dinov2"))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no config\.json in"):
        load(tmp_path)
