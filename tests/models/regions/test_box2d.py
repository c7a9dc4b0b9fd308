"""Boxes of masks."""

from __future__ import annotations

import torch

from models.regions import tight_box


def test_a_box_spans_the_marked_pixels() -> None:
    mask = torch.zeros(6, 8, dtype=torch.bool)
    mask[1, 5] = mask[3, 2] = True
    assert tight_box(mask) == (2.0, 1.0, 6.0, 4.0)
