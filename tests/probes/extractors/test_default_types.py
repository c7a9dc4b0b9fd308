from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from probes.extractors.diffusion.cogvideox import CogVideoXExtractor
from probes.extractors.diffusion.cosmos import CosmosExtractor
from probes.extractors.diffusion.hunyuan_video import HunyuanVideoExtractor
from probes.extractors.diffusion.latent_diffusion import LatentDiffusion
from probes.extractors.diffusion.ltx_video import LTXVideoExtractor
from probes.extractors.diffusion.open_sora import OpenSoraExtractor
from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.noise import Noise
from tests.support.checkpoints.cogvideox import cogvideox
from tests.support.checkpoints.cosmos import cosmos
from tests.support.checkpoints.hunyuan_video import hunyuan_video
from tests.support.checkpoints.ltx_video import ltx_video
from tests.support.checkpoints.open_sora import open_sora
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
