from pathlib import Path

import pytest
import torch
from torch import nn

from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.images.pixels import PixelExtractor
from probes.extractors.noise import Noise
from probes.extractors.offloading import Visitor, stream
from probes.extractors.video.vjepa2 import VJEPA2Extractor
from tests.support.checkpoints.vjepa2 import vjepa2
from tests.support.checkpoints.wan import wan
from tests.support.clips.extractor_clips import clip, pixels

SIZE = (32, 48)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wan(tmp_path_factory.mktemp("wan"))


def load(folder: Path, **options: object) -> WanExtractor:
    extractor = WanExtractor.from_pretrained(folder, "tiny", SIZE, frames=9, dtype=torch.float32)
    extractor.place("cpu", **options)  # type: ignore[arg-type]
    return extractor


@pytest.mark.parametrize("offload", ["parts", "blocks"])
def test_features_and_their_key_are_the_same_byte_by_byte(folder: Path, offload: str) -> None:
    plain, offloaded = load(folder), load(folder, offload=offload)
    one, other = (each.extract(clip(9), [0, 2], Noise(0.5)) for each in (plain, offloaded))
    assert all(torch.equal(one[layer].values, other[layer].values) for layer in (0, 2))
    assert plain.key(2, Noise(0.5)) == offloaded.key(2, Noise(0.5))
    assert not any(visitor.away for visitor in offloaded.turns.values())


def test_parts_are_on_the_device_in_turns(folder: Path) -> None:
    extractor, seen = load(folder, offload="parts"), []
    vae, transformer = (extractor.turns[part] for part in ("vae", "transformer"))
    extractor.vae.encoder.register_forward_hook(lambda *_: seen.append((vae.away, transformer.away)))
    extractor.transformer.blocks[0].register_forward_hook(lambda *_: seen.append((vae.away, transformer.away)))
    extractor.extract(clip(9), [2], Noise(0.5))
    assert set(seen[:-1]) == {(True, False)}
    assert seen[-1] == (False, True)


def test_one_block_is_on_the_device_at_a_time() -> None:
    blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
    visitors, seen = stream(list(blocks), torch.device("cpu")), []
    for block in blocks:
        block.register_forward_pre_hook(lambda *_: seen.append([visitor.away for visitor in visitors]))
    values = torch.ones(2, 4)
    for block in blocks:
        values = block(values)
    assert seen == [[k == block for k in range(3)] for block in range(3)]
    assert not any(visitor.away for visitor in visitors)


def test_weights_come_back_after_an_error() -> None:
    visitor = Visitor(nn.Linear(2, 2), torch.device("cpu"))
    with pytest.raises(ZeroDivisionError), visitor.visit():
        _ = 1 / (not visitor.away)  # it is away: 1 / 0
    assert not visitor.away


def test_an_encoder_streams_its_blocks(tmp_path: Path) -> None:
    plain, streamed = (
        VJEPA2Extractor.from_pretrained(vjepa2(tmp_path), "tiny", (16, 48), 8, torch.float32) for _ in range(2)
    )
    streamed.place("cpu", offload="blocks")
    assert torch.equal(*(each.extract(clip(8), [2])[2].values for each in (plain, streamed)))


def test_tiles_change_the_latents_near_their_seams_alone_and_the_key(folder: Path) -> None:
    """Tiles of 32 pixels every 24: the first token has seen none of the seam."""
    plain, tiled = load(folder), load(folder, tiling=True)
    for name, value in {"tile_sample_min": 32, "tile_sample_stride": 24}.items():
        for side in ("height", "width"):
            setattr(tiled.vae, f"{name}_{side}", value)
    with torch.no_grad():
        one, other = (each.encode(pixels(clip(9), (64, 64))) for each in (plain, tiled))
    assert one.shape == other.shape
    difference = (one - other).abs().mean((0, 1, 2))
    assert 0 < float(difference.mean()) < 0.5 * float(one.abs().mean())
    assert float(difference[0, 0]) < 0.1 * float(difference.max())
    assert plain.key(2, Noise(0.5)) != tiled.key(2, Noise(0.5))


def test_a_frame_smaller_than_a_tile_stays_as_it_is(folder: Path) -> None:
    plain, tiled = load(folder), load(folder, tiling=True)
    assert torch.equal(*(each.extract(clip(9), [2], Noise(0.5))[2].values for each in (plain, tiled)))


def test_what_does_not_apply_is_refused(folder: Path) -> None:
    pixel = PixelExtractor("pixels", (16, 16), 8)
    with pytest.raises(ValueError, match="pixels has no autoencoder: leave tiling out"):
        pixel.place("cpu", tiling=True)
    with pytest.raises(ValueError, match="no autoencoder to take turns with: choose offload=blocks"):
        pixel.place("cpu", offload="parts")
    with pytest.raises(ValueError, match="offload=layers is unknown: choose one of parts, blocks, or null"):
        load(folder, offload="layers")
