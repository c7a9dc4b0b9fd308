"""Projectors: token counts, order of channels, and VILA's layer numbers."""

import pytest
import torch

from models.sr3d.projector import SpaceToChannel, projector


@pytest.mark.parametrize(("tiles", "tokens"), [(1, 121), (13, 1586), (32, 3904)])
def test_a_448_pixel_tile_gives_121_tokens_and_a_separator(tiles: int, tokens: int) -> None:
    shape = SpaceToChannel(3)(torch.zeros(1, 32, 32, 1)).shape
    separators = tiles if tiles > 1 else 0  # the count of one tile is without its separator
    assert tiles * shape[1] * shape[2] + separators == tokens


def test_the_3x3_projector_of_nvila_lite_has_61_million_parameters() -> None:
    with torch.device("meta"):
        layers = projector("downsample_3x3", 1152, 3584)
    count = sum(p.numel() for p in layers.parameters())
    assert 2 * count == pytest.approx(122.2e6, rel=1e-3)  # bytes of the published bf16 file
    numbers = sorted({int(key.split(".")[0]) for key in layers.state_dict()})
    assert numbers == [1, 2, 4, 5, 7]


def test_space_to_channel_stacks_a_block_row_by_row() -> None:
    features = torch.arange(16.0).reshape(1, 4, 4, 1)
    stacked = SpaceToChannel(3)(features)
    assert stacked.shape == (1, 2, 2, 9)
    assert stacked[0, 0, 0].tolist() == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert stacked[0, 0, 1].tolist() == [3, 0, 0, 7, 0, 0, 11, 0, 0]  # padded at the end


@pytest.mark.parametrize(
    ("kind", "side"), [("linear", 6), ("mlp", 6), ("pool", 3), ("downsample_3x3", 2), ("downsample_2x2_columns", 3)]
)
def test_each_projector_gives_the_grid_that_it_promises(kind: str, side: int) -> None:
    assert projector(kind, 8, 16, factor=2)(torch.rand(2, 6, 6, 8)).shape == (2, side, side, 16)


def test_the_projector_of_vila15_lists_its_tokens_column_by_column() -> None:
    features = torch.arange(16.0).reshape(1, 4, 4, 1)
    assert SpaceToChannel(2)(features)[0, 0, 1].tolist() == [2, 3, 6, 7]
    assert SpaceToChannel(2, columns=True)(features)[0, 1, 0].tolist() == [2, 3, 6, 7]


def test_pooling_is_a_mean() -> None:
    features = torch.rand(1, 4, 4, 8)
    layers = projector("pool", 8, 16, factor=2)
    torch.testing.assert_close(layers[0](features)[0, 1, 0], features[0, 2:, :2].mean((0, 1)))
