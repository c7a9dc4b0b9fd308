"""Where in the picture a mask lies and how large it is: what the mean of the features under it does not keep."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.sr3d.encodings.position_encoding import MIN_FREQUENCY, sinusoids

FREQUENCIES, HIGHEST = 4, 4 * math.pi
MEASURES = 7  # see `mask_measures`
SCALE = 4.0  # a move by an eighth of the picture is 1
MASK_CHANNELS = MEASURES * (1 + 2 * FREQUENCIES)


def mask_encoding(masks: Bool[Tensor, "mask height width"]) -> Float[Tensor, "mask code"]:
    """Encode masks by their measures and sinusoids of them; no parameters.

    A region token that holds the mean of some features cannot tell how its region has moved or grown between two
    frames but by what these features leave of it. Osprey (arXiv 2312.10032, section 3.2) gives each region a token of
    its mask, a linear map of its pixels; seven numbers are ours.
    """
    measures = mask_measures(masks)
    return torch.cat([SCALE * measures, sinusoids(measures, FREQUENCIES, MIN_FREQUENCY, HIGHEST)], -1)


def mask_measures(masks: Bool[Tensor, "mask height width"]) -> Float[Tensor, "mask 7"]:
    """Measure masks in units of half a picture, from -1 to 1: left, top, right, bottom, mean x, mean y, root of area.

    An empty mask has zeros.
    """
    height, width = masks.shape[-2:]
    weight = masks.float()
    area = weight.sum((1, 2))
    columns, rows = masks.any(1), masks.any(2)
    x = torch.arange(width, device=masks.device)
    y = torch.arange(height, device=masks.device)
    left, top = (torch.where(used, at, len(at)).amin(-1) / len(at) for used, at in ((columns, x), (rows, y)))
    right, bottom = (torch.where(used, at + 1, 0).amax(-1) / len(at) for used, at in ((columns, x), (rows, y)))
    mean_x = (weight.sum(1) @ (x + 0.5)) / area.clamp_min(1) / width
    mean_y = (weight.sum(2) @ (y + 0.5)) / area.clamp_min(1) / height
    root = (area / (height * width)).sqrt()
    measures = torch.stack([left, top, right, bottom, mean_x, mean_y, root], -1) * 2 - 1
    return torch.where(area[:, None] > 0, measures, torch.zeros_like(measures))
