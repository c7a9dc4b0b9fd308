"""Probes that run as one have the losses and gradients of each; no Lightning is needed to tell."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from models.geometry.camera_encoding import encode_camera
from probes.clips.label_table import label_table
from probes.probe import Probe
from probes.training.probe_stack import TARGETS, ProbeStack
from probes.training.vectorized import build_seeded
from tests.support.probes import toy_clips

TINY = partial(Probe, 2, width=16, depth=1, heads=2, camera_depth=1, dense="linear", subpixels=2)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    folder = tmp_path_factory.mktemp("worlds")
    clips = toy_clips(folder)
    clips.prepare()
    return {name: values[:3] for name, values in label_table(clips, folder).items()}


def stack(layers: int, seeds: int, half_blocks: bool = False) -> ProbeStack:
    probes = nn.ModuleList(build_seeded(TINY, seed) for _ in range(layers) for seed in range(seeds))
    return ProbeStack(probes, layers, seeds, half_blocks)


def features(layers: int) -> Tensor:
    return torch.randn(layers, 3, 2, 2, 2, 2, generator=torch.Generator().manual_seed(0))


def vectorized(probes: ProbeStack, values: Tensor, labels: dict[str, Tensor]) -> Tensor:
    camera = encode_camera(labels["cam_T_world"], labels["intrinsics"], 8, 8)
    with sdpa_kernel(SDPBackend.MATH):  # the CPU has no other attention for a batch of batches
        return probes.vectorized_losses(
            values, *(labels[name] for name in TARGETS), camera, *probes.probes.parameters()
        )


def test_probes_that_run_as_one_have_the_losses_and_gradients_of_each(labels: dict[str, Tensor]) -> None:
    probes = stack(2, 2)
    alone = probes.losses(features(2), labels)
    alone.sum().backward()
    before = [parameter.grad.clone() for parameter in probes.probes.parameters()]
    probes.probes.zero_grad()
    together = vectorized(probes, features(2), labels)
    together.sum().backward()
    assert alone.shape == (2, 2, 3)
    assert torch.allclose(together, alone, atol=1e-5)
    for parameter, grad in zip(probes.probes.parameters(), before, strict=True):
        assert torch.allclose(parameter.grad, grad, atol=1e-4)


def test_probes_that_recompute_their_blocks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"model\.gradient_checkpointing=false"):
        ProbeStack(nn.ModuleList([build_seeded(partial(TINY, gradient_checkpointing=True), 0)]), 1, 1)


def test_blocks_in_half_precision_change_little(labels: dict[str, Tensor]) -> None:
    whole, half = stack(1, 1), stack(1, 1, half_blocks=True)
    exact, rough = (probes.losses(features(1), labels) for probes in (whole, half))
    assert torch.allclose(exact, rough, rtol=0.03)  # three digits, through a few layers
    assert not torch.equal(exact, rough)
    assert torch.allclose(vectorized(half, features(1), labels), rough, rtol=0.03)


def test_the_probe_of_an_index_has_its_own_parameters() -> None:
    probes = stack(2, 3)
    for number, (layer, seed) in enumerate(probes.indices()):
        own = probes.probes[number].state_dict()
        assert all(torch.equal(value, own[name]) for name, value in probes.parameters_of(layer, seed).items())
