from copy import deepcopy
from typing import Any
from unittest.mock import Mock

import pytest
import timm.optim.muon
import torch
from lightning import Trainer
from torch import nn
from torch.optim import Optimizer

from training.optimizers import cosine_schedule, muon


def test_the_learning_rate_rises_and_falls_to_zero() -> None:
    factor = cosine_schedule(100, 0.1)
    assert [factor(step) for step in (0, 9, 10)] == pytest.approx([0.1, 1.0, 1.0])
    assert factor(55) == pytest.approx(0.5)
    assert factor(100) == pytest.approx(0.0)


def stepped(model: nn.Module, optimizer: Optimizer, steps: int) -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        optimizer.zero_grad()
        inputs = torch.randn(8, 6, generator=generator)
        (model(inputs) - inputs.roll(1, -1)).square().mean().backward()
        optimizer.step()
    return model


def two_layers() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 6))


def build_muon(parameters: Any) -> Optimizer:
    planned = Mock(spec=Trainer, precision="32-true", estimated_stepping_batches=100)
    options = {"learning_rate": 0.02, "weight_decay": 0.1, "warmup_fraction": 0.0}
    return muon(parameters, planned, **options)["optimizer"]  # type: ignore[no-any-return]


def test_muon_turns_matrices_along_all_directions_alike() -> None:
    model = two_layers()
    before = model[0].weight.detach().clone()
    optimizer = build_muon([{"params": model.parameters(), "weight_decay": 0.0}])
    change = stepped(model, optimizer, 1)[0].weight.detach() - before
    stretch = torch.linalg.svdvals(change)
    assert stretch[-1] > 0.3 * stretch[0]  # a gradient of eight samples is far more lopsided than that
    assert change.square().mean().sqrt() == pytest.approx(0.2 * 0.02, rel=0.5)  # the size of AdamW's updates


@pytest.mark.parametrize(("device", "dtype"), [("cpu", torch.float32), ("meta", None)])
def test_muon_iterates_in_float32_on_a_cpu_alone(
    device: str, dtype: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    iteration = Mock(wraps=timm.optim.muon.zeropower_via_newtonschulz)
    monkeypatch.setattr(timm.optim.muon, "zeropower_via_newtonschulz", iteration)
    weight = nn.Parameter(torch.ones(6, 16, device=device))
    optimizer = build_muon([weight])
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    assert [call.kwargs.get("dtype") for call in iteration.call_args_list] == [dtype]
    assert timm.optim.muon.zeropower_via_newtonschulz is iteration  # the library is as it was


def test_muon_leaves_the_library_as_it_was_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    iteration = Mock(side_effect=KeyboardInterrupt)
    monkeypatch.setattr(timm.optim.muon, "zeropower_via_newtonschulz", iteration)
    model = two_layers()
    with pytest.raises(KeyboardInterrupt):
        stepped(model, build_muon(model.parameters()), 1)
    assert timm.optim.muon.zeropower_via_newtonschulz is iteration


def test_muon_leaves_vectors_and_embeddings_to_adam() -> None:
    model = two_layers()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    groups = [
        {"params": [model[0].weight], "use_fallback": True},
        {"params": [p for name, p in model.named_parameters() if name != "0.weight"]},
    ]
    stepped(model, build_muon(groups), 1)
    spread = {n: (value - (1 - 0.1 * 0.005) * before[n]).abs().std() for n, value in model.state_dict().items()}
    for name in ("0.weight", "0.bias", "2.bias"):  # at first, Adam changes every number by as much
        assert spread[name] < 1e-4
    assert spread["2.weight"] > 1e-3


def test_muon_goes_on_where_it_was() -> None:
    first, second = two_layers(), two_layers()
    optimizer, again = build_muon(first.parameters()), build_muon(second.parameters())
    stepped(first, optimizer, 6)
    second.load_state_dict(first.state_dict())
    again.load_state_dict(deepcopy(optimizer.state_dict()))
    stepped(first, optimizer, 2)
    stepped(second, again, 2)
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())
