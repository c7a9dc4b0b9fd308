from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from probes.extractors.diffusion.cogvideox import CogVideoXExtractor
from probes.extractors.diffusion.cosmos import CosmosExtractor
from probes.extractors.diffusion.cosmos25 import Cosmos25Extractor
from probes.extractors.diffusion.hunyuan_video import HunyuanVideoExtractor
from probes.extractors.diffusion.hunyuan_video15 import HunyuanVideo15Extractor
from probes.extractors.diffusion.latent_diffusion import LatentDiffusion
from probes.extractors.diffusion.ltx2 import LTX2Extractor
from probes.extractors.diffusion.ltx_video import LTXVideoExtractor
from probes.extractors.diffusion.open_sora import OpenSoraExtractor
from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.extractor import Extractor
from probes.extractors.images.image import ImageExtractor
from probes.extractors.noise import Noise
from probes.extractors.video.fast3r import Fast3RExtractor
from probes.extractors.video.videomae import VideoMAEExtractor
from probes.extractors.video.videoprism import VideoPrismExtractor
from probes.extractors.video.vjepa1 import VJEPA1Extractor
from probes.extractors.video.vjepa2 import VJEPA2Extractor
from tests.support.checkpoints.cogvideox import cogvideox
from tests.support.checkpoints.cosmos import cosmos
from tests.support.checkpoints.cosmos25 import cosmos25
from tests.support.checkpoints.fast3r import fast3r
from tests.support.checkpoints.hunyuan_video import hunyuan_video
from tests.support.checkpoints.hunyuan_video15 import hunyuan_video15
from tests.support.checkpoints.image import transformers_encoder
from tests.support.checkpoints.ltx2 import ltx2
from tests.support.checkpoints.ltx_video import ltx_video
from tests.support.checkpoints.open_sora import open_sora
from tests.support.checkpoints.videomae import videomae
from tests.support.checkpoints.videoprism import videoprism
from tests.support.checkpoints.vjepa1 import vjepa1
from tests.support.checkpoints.vjepa2 import vjepa2
from tests.support.checkpoints.wan import wan
from tests.support.clips.extractor_clips import clip

SMALL, WIDE = (32, 48), (64, 96)


@pytest.mark.parametrize(
    ("model", "write", "size", "dtype"),
    [
        (WanExtractor, wan, SMALL, torch.float16),
        (CogVideoXExtractor, cogvideox, SMALL, torch.float16),
        (HunyuanVideoExtractor, hunyuan_video, SMALL, torch.bfloat16),
        (LTXVideoExtractor, ltx_video, WIDE, torch.bfloat16),
        (CosmosExtractor, cosmos, SMALL, torch.bfloat16),
        (OpenSoraExtractor, open_sora, SMALL, torch.bfloat16),
        (HunyuanVideo15Extractor, hunyuan_video15, SMALL, torch.bfloat16),
        (LTX2Extractor, ltx2, WIDE, torch.bfloat16),
        (Cosmos25Extractor, cosmos25, SMALL, torch.bfloat16),
    ],
)
def test_features_of_the_default_type_are_near_those_of_float32(
    model: type[LatentDiffusion],
    write: Callable[[Path], Path],
    size: tuple[int, int],
    dtype: torch.dtype,
    tmp_path: Path,
) -> None:
    folder = write(tmp_path)
    half, full = (
        model.from_pretrained(folder, "tiny", size, frames=17, **options)  # type: ignore[attr-defined]
        for options in ({}, {"dtype": torch.float32})
    )
    one, other = (extractor.extract(clip(17), [1], Noise(0.5))[1].values for extractor in (half, full))
    assert one.dtype == dtype
    # bfloat16 has 8 bits of precision, through two blocks and the autoencoder
    assert (one.float() - other).norm() < 0.03 * other.norm()


@pytest.mark.parametrize(
    ("model", "write", "size", "frames", "options", "dtype"),
    [
        (ImageExtractor, lambda folder: transformers_encoder(folder, "dinov2"), (32, 48), 3, {}, torch.float16),
        (ImageExtractor, lambda folder: transformers_encoder(folder, "dinov3_vit"), (32, 48), 3, {}, torch.float16),
        (VideoMAEExtractor, videomae, (16, 16), 7, {}, torch.float16),
        (
            VJEPA1Extractor,
            vjepa1,
            (12, 16),
            7,
            {"length": 4, "file": "tiny.pth.tar", "trained": (4, 12)},
            torch.float16,
        ),
        (VJEPA2Extractor, vjepa2, (16, 48), 8, {}, torch.float16),
        (VideoPrismExtractor, videoprism, (36, 54), 7, {"length": 4}, torch.float16),
        (Fast3RExtractor, fast3r, (32, 48), 4, {}, torch.bfloat16),
    ],
)
def test_encoders_of_the_default_type_are_near_those_of_float32(
    model: type[Extractor],
    write: Callable[[Path], Path],
    size: tuple[int, int],
    frames: int,
    options: dict[str, object],
    dtype: torch.dtype,
    tmp_path: Path,
) -> None:
    folder = write(tmp_path)
    half, full = (
        model.from_pretrained(folder, "tiny", size, frames, **options, **given)  # type: ignore[attr-defined]
        for given in ({}, {"dtype": torch.float32})
    )
    one, other = (extractor.extract(clip(frames), [1])[1].values for extractor in (half, full))
    assert one.dtype == dtype
    assert (one.float() - other).norm() < 0.03 * other.norm()
