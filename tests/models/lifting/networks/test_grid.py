"""Grids over the cube of an object."""

import torch

from models.lifting.networks.grid import from_tokens, to_tokens, truncated_distance


def test_tokens_run_over_x_then_y_then_z_with_z_fastest() -> None:
    x, y, z = torch.meshgrid(*3 * [torch.arange(4.0)], indexing="ij")
    tokens = to_tokens((16 * x + 4 * y + z)[None, None])
    assert tokens[0, :, 0].tolist() == list(range(64))


def test_flattening_to_tokens_is_undone_exactly_with_and_without_patches() -> None:
    latent = torch.randn(2, 8, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    for patch in (1, 2):
        tokens = to_tokens(latent, patch)
        assert tokens.shape == (2, (4 // patch) ** 3, 8 * patch**3)
        assert torch.equal(from_tokens(tokens, 4, patch), latent)


def test_a_patch_holds_neighbours() -> None:
    tokens = to_tokens(torch.arange(64.0).reshape(1, 1, 4, 4, 4), patch=2)
    assert tokens[0, 0].tolist() == [0, 1, 4, 5, 16, 17, 20, 21]


def test_a_distance_is_cut_at_three_voxels() -> None:
    grid = torch.full((6, 6, 6), 10.0)
    grid[0, 0, 0], grid[0, 0, 1], grid[0, 0, 2] = 0.25, -0.5, -9.0  # three voxels of six are half the cube
    assert truncated_distance(grid)[0, 0, :4].tolist() == [0.5, -1, -1, 1]
