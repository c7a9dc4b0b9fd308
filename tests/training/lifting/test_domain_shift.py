"""A shifted domain changes what is seen, and never what is true."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from scenes.masked_object import MaskedObject
from training.lifting.domain_shift import MAX_HOLE_SHARE, shift_depth, shift_domain, shift_mask

SIZE = (24, 32)


def item() -> MaskedObject:
    generator = torch.Generator().manual_seed(0)
    mask = torch.zeros(SIZE, dtype=torch.bool)
    mask[6:16, 8:20] = True
    return MaskedObject(
        image=torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8, generator=generator),
        mask=mask,
        depth=torch.full(SIZE, 2.0),
        intrinsics=torch.eye(3),
        cam_T_obj=torch.eye(4),
        scale=torch.tensor(0.5),
        distance=torch.zeros(4, 4, 4),
        occlusion=torch.tensor(0.1),
        family="chair",
        world_seed=3,
        index=1,
    )


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_truth_stays_and_the_same_seed_shifts_the_same_way() -> None:
    before, one, again, other = item(), *(shift_domain(item(), seeded(seed)) for seed in (1, 1, 2))
    for name in ("intrinsics", "cam_T_obj", "scale", "distance", "occlusion"):
        assert torch.equal(getattr(one, name), getattr(before, name))
    assert (one.family, one.world_seed, one.index) == ("chair", 3, 1)
    for name in ("image", "mask", "depth"):
        assert torch.equal(getattr(one, name), getattr(again, name))
    assert not torch.equal(one.image, before.image)
    assert not torch.equal(one.image, other.image)
    assert one.image.dtype == torch.uint8


def test_depth_that_was_unknown_stays_unknown() -> None:
    hole = replace(item(), depth=torch.zeros(SIZE))
    assert not shift_domain(hole, seeded(0)).depth.any()


@pytest.mark.parametrize(
    ("chance", "rows", "cols"), [(0.0, (5, 17), (7, 21)), (0.5, (7, 15), (9, 19)), (0.9, (6, 16), (8, 20))]
)
def test_a_mask_grows_shrinks_or_stays_by_a_pixel(chance: float, rows: tuple[int, int], cols: tuple[int, int]) -> None:
    expected = torch.zeros(SIZE, dtype=torch.bool)
    expected[slice(*rows), slice(*cols)] = True
    assert torch.equal(shift_mask(item().mask, chance), expected)


def test_a_mask_that_would_nearly_vanish_is_not_shrunk() -> None:
    small = torch.zeros(SIZE, dtype=torch.bool)
    small[3:8, 3:8] = True  # 25 pixels; 9 would be left
    assert torch.equal(shift_mask(small, 0.5), small)


def test_factors_of_depth_are_near_one_but_for_holes_of_a_limited_share() -> None:
    depth = torch.full((96, 96), 3.0)
    shares = []
    for seed in range(20):
        factor = shift_depth(depth, seeded(seed))
        shares.append(float((factor == 0).float().mean()))
        known = factor[factor > 0].log()
        assert float(known.abs().median()) < 0.06  # the smooth error has a standard deviation of 0.03
        assert float(known.std()) > 0.005
    assert max(shares) <= MAX_HOLE_SHARE + 0.01
    assert min(shares) < 0.05
    assert max(shares) > 0.08  # drawn anew each time
