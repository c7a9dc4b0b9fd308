import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from probes.extractors.costs.meter import Meter


def test_operations_and_memory_of_a_layer_are_those_by_hand() -> None:
    meter = Meter()
    with torch.device("meta"):
        layer, rows = nn.Linear(32, 64), torch.empty(8, 32)
        with meter.running():
            layer(rows)  # is freed at once
            kept = layer(rows)
            layer(rows)
    assert meter.operations == 3 * 2 * 8 * 32 * 64
    assert meter.memory.peak == {"": 2 * 8 * 64 * 4}
    assert meter.memory.live == kept.numel() * 4


def test_attention_counts_its_products_and_keeps_its_result_alone() -> None:
    meter = Meter()
    with torch.device("meta"):
        query, key = torch.empty(2, 4, 100, 16), torch.empty(2, 4, 50, 16)
        with meter.running():
            found = scaled_dot_product_attention(query, key, key)
    assert found.shape == query.shape
    assert meter.operations == 2 * 4 * (2 * 100 * 50 * 16 + 2 * 100 * 50 * 16)
    assert meter.memory.peak == {"": query.numel() * 4}


def test_memory_is_told_apart_by_stage() -> None:
    meter = Meter()
    with torch.device("meta"), meter.running():
        wide = meter.staged("encoding", lambda: torch.ones(1000))()
        del wide
        meter.staged("denoising", lambda: torch.ones(10))()
    assert meter.memory.peak == {"encoding": 4000, "denoising": 40}
