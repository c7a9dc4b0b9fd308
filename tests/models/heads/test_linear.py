import torch

from models.heads.linear import LinearHead


def test_a_pixel_depends_on_the_token_of_its_cell_alone() -> None:
    head = LinearHead(6, 2, subpixels=4)
    tokens = torch.randn(1, 3, 5, 6, requires_grad=True)
    maps = head([tokens], (12, 20))
    assert maps.shape == (1, 2, 12, 20)
    maps[0, :, 4:8, 8:12].sum().backward()
    assert tokens.grad is not None
    touched = tokens.grad[0].abs().sum(-1) > 0
    assert touched.nonzero().tolist() == [[1, 2]]


def test_maps_come_in_any_size() -> None:
    assert LinearHead(6, 1)([torch.randn(2, 3, 5, 6)], (30, 17)).shape == (2, 1, 30, 17)
