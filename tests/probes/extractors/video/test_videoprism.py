from pathlib import Path

import pytest
import torch
from transformers import VideoPrismVisionModel

from probes.extractors.extractor import resize_bicubic
from probes.extractors.video.videoprism import VideoPrismExtractor
from tests.support.checkpoints.image import transformers_encoder
from tests.support.checkpoints.videoprism import videoprism


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return videoprism(tmp_path_factory.mktemp("videoprism"))


def load(folder: Path, size: tuple[int, int] = (36, 54), frames: int = 7, length: int = 4) -> VideoPrismExtractor:
    return VideoPrismExtractor.from_pretrained(folder, "prism", size, frames, torch.float32, length=length)


def video(frames: int = 7) -> torch.Tensor:
    return torch.randint(0, 256, (frames, 3, 40, 60), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("length", [4, 7])
def test_features_are_those_of_the_stock_forward_on_pixels_from_0_to_1(folder: Path, length: int) -> None:
    extractor = load(folder, length=length)
    found = extractor.extract(video(), [1, 3])
    stock = VideoPrismVisionModel.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        windows = [
            stock(resize_bicubic(video()[window], (36, 54))[None], interpolate_pos_encoding=True)
            for window in extractor.windows(7)
        ]
    spatial = torch.cat([each.last_spatial_hidden_state for each in windows])  # frame, patch
    temporal = torch.cat([each.last_temporal_hidden_state for each in windows], 1).transpose(0, 1)  # patch, frame
    assert torch.equal(found[1].values, spatial.reshape(-1, 4, 6, 24))
    assert torch.equal(found[3].values, temporal.reshape(-1, 4, 6, 24))


def test_each_frame_has_its_slot(folder: Path) -> None:
    assert load(folder).slot_map(7).frames == ((0,), (1,), (3,), (5,), (0,), (2,), (4,), (6,))


def test_a_spatial_block_has_seen_its_own_frame_alone_and_a_temporal_one_all(folder: Path) -> None:
    changed = video()
    changed[3] = 255 - changed[3]
    for layer, expected in ((1, [2]), (3, [0, 1, 2, 3])):
        one, other = (load(folder).extract(frames, [layer])[layer].values for frames in (video(), changed))
        assert [slot for slot in range(8) if not torch.equal(one[slot], other[slot])] == expected


def test_windows_with_as_many_frames_as_patches_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="windows of 4 frames with as many patches"):
        load(folder, (18, 18)).extract(video(), [0])


def test_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds a dinov2, not a videoprism_vision_model"):
        load(transformers_encoder(tmp_path, "dinov2"))
