"""Optical flow of textures that move by known amounts."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models.sr3d.encodings.optical_flow import optical_flow


def texture(height: int, width: int) -> Tensor:
    """Smooth noise, about -1 to 1, in three colours."""
    coarse = torch.randn(1, 3, height // 4, width // 4, generator=torch.Generator().manual_seed(0))
    return F.interpolate(coarse, size=(height, width), mode="bicubic")


@pytest.mark.parametrize("size", [(64, 64), (48, 80), (10, 12)])
@pytest.mark.parametrize("shift", [(0, 0), (2, -1), (-1, 0)])
def test_a_texture_that_is_shifted_has_that_flow(size: tuple[int, int], shift: tuple[int, int]) -> None:
    x, y = shift
    before = texture(size[0] + 8, size[1] + 8)
    cut = slice(4, 4 + size[0]), slice(4, 4 + size[1])
    after = before.roll((y, x), (2, 3))
    flow = optical_flow(before[..., cut[0], cut[1]], after[..., cut[0], cut[1]])
    inner = flow[0, :, 3:-3, 3:-3].flatten(1)
    torch.testing.assert_close(inner.median(1).values, torch.tensor([x, y], dtype=torch.float32), atol=0.2, rtol=0)


def test_a_fast_texture_is_followed_through_the_pyramid() -> None:
    before = texture(96, 96)
    flow = optical_flow(before[..., 16:80, 16:80], before.roll(6, 3)[..., 16:80, 16:80])
    torch.testing.assert_close(flow[0, 0, 8:-8, 8:-8].median(), torch.tensor(6.0), atol=0.5, rtol=0)


def test_pictures_without_texture_are_at_rest() -> None:
    assert not optical_flow(torch.zeros(2, 3, 32, 32), torch.ones(2, 3, 32, 32)).any()
