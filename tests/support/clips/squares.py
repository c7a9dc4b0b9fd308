"""A clip with a red and a green square on grey."""

from __future__ import annotations

import torch

from scenes.clip import Clip

RED, GREEN = (8.0, 8.0, 20.0, 20.0), (40.0, 24.0, 56.0, 40.0)


def squares() -> Clip:
    video = torch.full((3, 3, 48, 64), 110, dtype=torch.uint8)
    video[:, :, 8:20, 8:20] = torch.tensor([220, 20, 20], dtype=torch.uint8)[:, None, None]
    video[:, :, 24:40, 40:56] = torch.tensor([20, 200, 20], dtype=torch.uint8)[:, None, None]
    return Clip(video, torch.arange(3.0), name="squares")
