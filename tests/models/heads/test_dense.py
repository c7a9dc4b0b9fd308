import pytest
import torch

from models.heads import DenseHead


@pytest.mark.parametrize("grid", [(8, 8), (4, 6)])
def test_a_head_gives_every_frame_maps_of_the_size_asked_for(grid: tuple[int, int]) -> None:
    head = DenseHead(12, outputs=3, width=8)
    latents = torch.randn(2, 4, 3, *grid, 12)
    assert head(latents, (32, 40)).shape == (2, 6, 3, 32, 40)


def test_a_frame_is_read_from_its_own_slot() -> None:
    head = DenseHead(12, outputs=1, width=8)
    latents = torch.randn(1, 4, 3, 4, 4, 12)
    before = head(latents, (16, 16))
    latents[:, :, 1] += 1
    changed = (head(latents, (16, 16)) != before).flatten(2).any(-1)[0]
    assert changed.tolist() == [False, False, True, True, False, False]


def test_all_depths_are_read() -> None:
    head = DenseHead(12, outputs=1, width=8)
    latents = torch.randn(1, 4, 1, 4, 4, 12, requires_grad=True)
    head(latents, (16, 16)).square().sum().backward()
    assert latents.grad is not None
    assert bool((latents.grad.flatten(2).abs().amax((0, 2)) > 0).all())
