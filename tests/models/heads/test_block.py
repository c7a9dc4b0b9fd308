import pytest
import torch

from models.heads import Block, DPTHead
from models.heads.block import rotate


def test_turned_queries_and_keys_know_only_how_far_apart_they_are() -> None:
    generator = torch.Generator().manual_seed(0)
    query, key = (torch.randn(1, 2, 1, 16, generator=generator, dtype=torch.float64) for _ in range(2))

    def product(first: list[int], second: list[int]) -> torch.Tensor:
        a, b = (rotate(x, torch.tensor([[place]])) for x, place in ((query, first), (key, second)))
        return (a * b).sum(-1)

    torch.testing.assert_close(product([3, 7], [5, 1]), product([13, 27], [15, 21]), atol=1e-6, rtol=1e-5)
    assert not torch.allclose(product([3, 7], [5, 1]), product([3, 7], [5, 2]))
    torch.testing.assert_close(rotate(query, torch.zeros(1, 1, 2, dtype=torch.long)), query)


def test_a_new_block_hardly_changes_its_tokens() -> None:
    tokens = torch.randn(2, 5, 32, generator=torch.Generator().manual_seed(0))
    assert float((Block(32, 4)(tokens) - tokens).abs().max()) < 0.05  # layer scale 0.01


def test_a_width_that_its_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        Block(36, 6)


def test_a_map_knows_where_it_is_in_the_picture() -> None:
    torch.manual_seed(0)
    head = DPTHead(12, 2, 16, (8, 8, 16, 16)).eval()
    uniform = [torch.ones(1, 6, 6, 12)] * 4
    maps = head(uniform, (48, 48))
    assert maps.shape == (1, 2, 48, 48)
    middle = maps[0, 0, 20:28, 20:28]  # away from the borders of the convolutions
    assert float(middle.std()) > 0
