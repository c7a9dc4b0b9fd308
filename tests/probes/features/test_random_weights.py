from pathlib import Path

import pytest
import torch

from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.noise import Noise
from probes.features.random_weights import initialise_randomly
from tests.support.checkpoints.wan import wan
from tests.support.probes import MeanExtractor


def test_random_weights_give_other_features_of_the_same_shape_and_its_seed_decides(tmp_path: Path) -> None:
    folder = wan(tmp_path)
    video = torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8)

    def features(seed: int | None) -> torch.Tensor:
        extractor = WanExtractor.from_pretrained(folder, "wan", (32, 32), 5, torch.float32)
        if seed is not None:
            initialise_randomly(extractor, seed)
        return extractor.extract(video, [1], Noise(0.5))[1].values

    assert features(0).shape == features(None).shape
    assert not torch.allclose(features(0), features(None))
    assert torch.equal(features(0), features(0))
    assert not torch.equal(features(0), features(1))


def test_a_model_without_known_initial_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="no network of transformers"):
        initialise_randomly(MeanExtractor(), 0)
