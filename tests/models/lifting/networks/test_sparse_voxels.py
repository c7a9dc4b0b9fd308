"""Sparse voxels: neighbours, children, and a convolution that equals the dense one."""

import torch
import torch.nn.functional as F
from einops import rearrange

from models.lifting.networks.sparse_voxels import SparseConv3d, SparseVoxels, near_surface


def some_mask(share: float) -> torch.Tensor:
    mask = torch.rand(2, 6, 6, 6, generator=torch.Generator().manual_seed(0)) < share
    mask[:, 0, 0, 0] = True
    return mask


def test_a_sparse_convolution_equals_the_dense_one_on_active_voxels_forward_and_gradient() -> None:
    torch.manual_seed(0)
    conv = SparseConv3d(3, 5)
    conv.bias.data.normal_()
    dense_weight = rearrange(conv.weight.detach(), "(x y z) i o -> o i x y z", x=3, y=3).requires_grad_()
    for share in (0.3, 2.0):
        mask = some_mask(share)
        voxels = SparseVoxels.from_mask(mask)
        grid = (torch.randn(2, 3, 6, 6, 6) * mask[:, None]).requires_grad_()
        dense = voxels.gather(F.conv3d(grid, dense_weight, conv.bias, padding=1))
        sparse = conv(voxels.gather(grid), voxels)
        torch.testing.assert_close(sparse, dense, atol=1e-5, rtol=1e-5)  # sums in another order
        pull = torch.randn_like(dense)
        of_dense = torch.autograd.grad(dense, [grid, dense_weight], pull)
        of_sparse = torch.autograd.grad(sparse, [grid, conv.weight], pull)
        active = mask[:, None].expand_as(grid)
        torch.testing.assert_close(of_sparse[0][active], of_dense[0][active], atol=1e-5, rtol=1e-5)
        weight = rearrange(of_sparse[1], "(x y z) i o -> o i x y z", x=3, y=3)
        torch.testing.assert_close(weight, of_dense[1], atol=1e-4, rtol=1e-4)


def test_objects_of_a_batch_are_no_neighbours() -> None:
    mask = torch.zeros(2, 3, 3, 3, dtype=torch.bool)
    mask[0, 2, 2, 2] = mask[1, 0, 0, 0] = True
    voxels = SparseVoxels.from_mask(mask)
    targets = [target.tolist() for target, _ in voxels.neighbours]
    assert targets[13] == [0, 1]  # the middle tap: each is its own neighbour
    assert not any(target for k, target in enumerate(targets) if k != 13)


def test_children_halve_their_parent_and_come_in_order() -> None:
    voxels = SparseVoxels.from_mask(some_mask(0.3))
    children, parent = voxels.children()
    assert children.side == 12
    assert len(children) == 8 * len(voxels)
    assert (children.index.diff() > 0).all()
    assert torch.equal(children.coords[:, 1:] // 2, voxels.coords[parent, 1:])
    assert torch.equal(children.objects, voxels.objects[parent])
    total = torch.zeros(len(voxels), 3).index_add(0, parent, children.centres())
    torch.testing.assert_close(total / 8, voxels.centres())


def test_scattering_then_gathering_returns_the_values_and_leaves_the_rest() -> None:
    mask = some_mask(0.3)
    voxels = SparseVoxels.from_mask(mask)
    values = torch.randn(len(voxels), 2)
    dense = voxels.scatter(values, torch.full((2, 2, 6, 6, 6), 7.0))
    assert torch.equal(voxels.gather(dense), values)
    assert (dense.movedim(1, -1)[~mask] == 7).all()


def test_voxels_near_a_surface_are_those_on_either_side_of_it() -> None:
    field = torch.arange(8.0).reshape(1, 8, 1, 1).expand(1, 8, 8, 8) - 3.5  # inside from x = 4
    assert near_surface(field).any(3).any(2)[0].tolist() == [x in (3, 4) for x in range(8)]
    assert near_surface(field, reach=2)[0, :, 0, 0].tolist() == [2 <= x <= 5 for x in range(8)]
    assert not near_surface(torch.ones(1, 8, 8, 8)).any()
