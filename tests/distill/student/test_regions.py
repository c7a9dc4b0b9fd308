"""The mean signals of a region, against a sum by hand."""

from __future__ import annotations

import torch

from distill.student.regions import region_losses, region_means
from distill.teachers.teacher import TargetBatch

SIDE = 8


def targets(rows: list[int] | None = None) -> TargetBatch:
    """Two clips of two frames, each pixel its own value; nothing is known of the last column."""
    values = torch.arange(2 * 2 * SIDE * SIDE).float().reshape(2, 2, 1, SIDE, SIDE)
    valid = torch.ones_like(values, dtype=torch.bool)
    valid[..., -1] = False
    values[..., -1] = torch.inf
    return TargetBatch(None, {"depth": values}, {"depth": valid}, None if rows is None else torch.tensor(rows))


def inputs(*regions: tuple[int, int, slice]) -> dict[str, torch.Tensor]:
    """Regions, each a square on one tile: (region, tile, its columns)."""
    masks = torch.zeros(len(regions), SIDE, SIDE, dtype=torch.bool)
    for mask, (_, _, columns) in zip(masks, regions, strict=True):
        mask[2:4, columns] = True
    return {
        "region_masks": masks,
        "region_tile": torch.tensor([tile for _, tile, _ in regions]),
        "region_index": torch.tensor([region for region, _, _ in regions]),
        "region_mentions": torch.tensor(sorted({region for region, _, _ in regions})),
    }


def test_a_signal_is_averaged_over_the_masks_of_all_frames() -> None:
    given, taught = inputs((0, 2, slice(0, 2)), (0, 3, slice(4, 6))), targets()  # both frames of the second row
    (mean,), known = region_means(given, taught, torch.tensor([1]), torch.tensor([0, 2]), ["depth"])["depth"]
    values = taught.values["depth"][1, :, 0]
    assert known.tolist() == [True]
    torch.testing.assert_close(mean[0], torch.cat([values[0, 2:4, 0:2], values[1, 2:4, 4:6]], 1).mean())


def test_what_is_not_valid_is_left_out_and_a_region_without_anything_valid_has_no_target() -> None:
    given, taught = inputs((0, 0, slice(6, 8)), (1, 1, slice(7, 8))), targets()
    means, known = region_means(given, taught, torch.tensor([0, 0]), torch.tensor([0, 2]), ["depth"])["depth"]
    assert known.tolist() == [True, False]
    torch.testing.assert_close(means[0, 0], taught.values["depth"][0, 0, 0, 2:4, 6].mean())
    losses = region_losses({"depth": means + 3}, {"depth": (means, known)})
    torch.testing.assert_close(losses["region_depth"], torch.tensor(2.5))  # of the first alone


def test_only_clips_with_targets_teach_their_regions() -> None:
    given = inputs((0, 0, slice(0, 2)), (1, 2, slice(0, 2)))
    taught = targets(rows=[1, 2])
    means, known = region_means(given, taught, torch.tensor([0, 1]), torch.tensor([0, 2, 4]), ["depth"])["depth"]
    assert known.tolist() == [False, True]
    torch.testing.assert_close(means[1, 0], taught.values["depth"][0, 0, 0, 2:4, :2].mean())


def test_a_region_that_no_question_mentions_changes_nothing() -> None:
    alone, taught = inputs((0, 0, slice(0, 2))), targets()
    beside = inputs((0, 0, slice(0, 2)), (1, 3, slice(4, 6)))
    beside["region_mentions"] = torch.tensor([0, 0])  # the first one twice
    (once,), _ = region_means(alone, taught, torch.tensor([0]), torch.tensor([0, 2]), ["depth"])["depth"]
    twice, known = region_means(beside, taught, torch.tensor([0, 0]), torch.tensor([0, 2]), ["depth"])["depth"]
    assert known.tolist() == [True, True]
    torch.testing.assert_close(twice, torch.stack([once, once]))


def test_masks_of_another_size_weigh_pixels_by_their_share() -> None:
    given, taught = inputs((0, 0, slice(0, 2))), targets()
    given["region_masks"] = torch.zeros(1, 2 * SIDE, 2 * SIDE, dtype=torch.bool)
    given["region_masks"][0, 0:2, 0:3] = True  # all of the first pixel, half of the second
    ((mean,),), _ = region_means(given, taught, torch.tensor([0]), torch.tensor([0, 2]), ["depth"])["depth"]
    first, second = taught.values["depth"][0, 0, 0, 0, :2]
    torch.testing.assert_close(mean, (first + second / 2) / 1.5)


def test_every_signal_is_averaged_at_its_own_size() -> None:
    given, taught = inputs((0, 0, slice(0, 2))), targets()
    coarse = taught.values["depth"][..., ::2, ::2]
    taught.values["motion"], taught.valid["motion"] = coarse, torch.ones_like(coarse, dtype=torch.bool)
    means = region_means(given, taught, torch.tensor([0]), torch.tensor([0, 2]), ["depth", "motion"])
    torch.testing.assert_close(means["depth"][0][0, 0], taught.values["depth"][0, 0, 0, 2:4, :2].mean())
    torch.testing.assert_close(means["motion"][0][0, 0], coarse[0, 0, 0, 1, 0])  # one coarse pixel covers the region
