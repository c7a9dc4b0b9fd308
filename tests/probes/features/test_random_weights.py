from pathlib import Path

import pytest
import torch
from torch import nn

from probes.extractors.diffusion.wan import WanExtractor
from probes.extractors.module import ModuleExtractor
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


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_every_weight_keeps_its_type(dtype: torch.dtype, tmp_path: Path) -> None:
    extractor = WanExtractor.from_pretrained(wan(tmp_path), "wan", (32, 32), 5, dtype)
    types = {name: weight.dtype for name, weight in extractor.transformer.named_parameters()}
    assert set(types.values()) == {dtype, torch.float32}  # norms and tables stay in float32
    initialise_randomly(extractor, 0)
    assert types == {name: weight.dtype for name, weight in extractor.transformer.named_parameters()}
    values = extractor.extract(torch.randint(0, 256, (5, 3, 32, 32), dtype=torch.uint8), [1], Noise(0.5))[1].values
    assert values.dtype == dtype
    assert bool(values.isfinite().all())


def test_a_network_of_ones_own_initialises_itself() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 2, 2), nn.BatchNorm2d(4))
    before = network[0].weight.clone()
    for seed in (0, 1, 0):
        initialise_randomly(ModuleExtractor(network, ["1"], "mine", (8, 8)), seed)
        assert not torch.equal(before, network[0].weight)
        before = network[0].weight.clone()


def test_a_model_without_known_initial_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="has no network"):
        initialise_randomly(MeanExtractor(), 0)
    network = nn.Sequential(nn.Conv2d(3, 4, 2, 2))
    network.register_parameter("scale", nn.Parameter(torch.ones(1)))
    with pytest.raises(ValueError, match=r"Sequential \(the network itself\) has no reset_parameters\(\) .* scale"):
        initialise_randomly(ModuleExtractor(network, ["0"], "mine", (8, 8)), 0)
