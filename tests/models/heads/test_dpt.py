import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.heads import DPTHead
from models.heads.dpt import fuse_as_vggt

WIDTH = 8


def pyramid(rows: int, cols: int) -> list[Tensor]:
    """Levels of a grid of tokens, finest first; the coarsest of an odd grid is rounded up, as by a convolution."""
    generator = torch.Generator().manual_seed(0)
    sizes = [(4 * rows, 4 * cols), (2 * rows, 2 * cols), (rows, cols), ((rows + 1) // 2, (cols + 1) // 2)]
    return [torch.randn(2, WIDTH, *size, generator=generator) for size in sizes]


def residual(unit: nn.Module, x: Tensor) -> Tensor:
    """A residual unit whose ReLUs work in place, step by step: the first one changes what is added at the end."""
    within = F.relu(x, inplace=True)
    within = F.relu(unit.convolution1(within), inplace=True)
    return unit.convolution2(within) + x  # type: ignore[no-any-return]


@torch.no_grad()
@pytest.mark.parametrize("grid", [(2, 4), (3, 5)])
def test_levels_are_fused_with_activations_in_place_and_at_the_size_of_the_next(grid: tuple[int, int]) -> None:
    torch.manual_seed(0)
    layers = DPTHead(12, 2, WIDTH, (8, 8, 16, 16), vggt=True).neck.fusion_stage.layers
    fused = fuse_as_vggt(layers, pyramid(*grid))

    first, second, third, fourth = pyramid(*grid)
    x = residual(layers[0].residual_layer2, fourth)
    x = layers[0].projection(F.interpolate(x, third.shape[2:], mode="bilinear", align_corners=True))
    for layer, level, finer in ((layers[1], third, second.shape[2:]), (layers[2], second, first.shape[2:])):
        x = residual(layer.residual_layer2, x + residual(layer.residual_layer1, level))
        x = layer.projection(F.interpolate(x, finer, mode="bilinear", align_corners=True))
    x = residual(layers[3].residual_layer2, x + residual(layers[3].residual_layer1, first))
    x = layers[3].projection(F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True))

    torch.testing.assert_close(fused, x)
    assert fused.shape[2:] == (8 * grid[0], 8 * grid[1])


@torch.no_grad()
def test_the_two_ways_to_fuse_differ_with_the_same_weights() -> None:
    torch.manual_seed(0)
    plain, vggt = (DPTHead(12, 2, WIDTH, (8, 8, 16, 16), vggt=flag) for flag in (False, True))
    vggt.load_state_dict(plain.state_dict())
    tokens = [torch.randn(1, 3, 5, 12) for _ in range(4)]
    assert not torch.allclose(plain(tokens, (24, 40)), vggt(tokens, (24, 40)), atol=1e-3)
