"""The four dense signals of 4D perception, as teachers give them and worlds know them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from models.geometry import invert, resize_intrinsics, valid_depth
from models.geometry.rays import plucker_rays
from scenes.clip import Clip
from scenes.worlds.rendering.render import Signal

CHANNELS = {"depth": 1, "flow": 2, "motion": 1, "rays": 6}  # of each signal, a frame


@dataclass(frozen=True)
class Signals:
    """Raw values of one clip or a batch, and where they are known.

    `depth` is log depth (log metres), `flow` the backward flow in pixels of these maps' resolution, `motion` a logit
    (of moving in the world), `rays` raw Plücker coordinates in the first camera, on the latents' grid. Source: 4D-RGPT
    (arXiv 2512.17012) section 3.2 and its released code (what is compared in which form).
    """

    values: dict[str, Float[Tensor, "..."]]
    valid: dict[str, Bool[Tensor, "..."]]


RENDERED: tuple[Signal, ...] = ("backward_flow", "moving")  # what worlds must be rendered with, beside depth
CERTAIN = 6.0  # logit of a pixel whose motion is known


def true_signals(clip: Clip, grid: tuple[int, int]) -> Signals:
    """Take the exact signals of a procedural world, with rays on a grid (rows, cols).

    Backward flow of the first frame does not exist; where a point was hidden or outside it is not valid.

    Raises:
        ValueError: the clip lacks depth, cameras, backward flow or the motion mask.
    """
    truth = clip.truth
    if (
        truth is None
        or clip.depth is None
        or clip.intrinsics is None
        or clip.world_T_cam is None
        or truth.backward_flow is None
        or truth.backward_valid is None
        or truth.moving is None
    ):
        raise ValueError(f"clip {clip.name} lacks the truth of 4D signals: render worlds with backward_flow and moving")
    return exact_signals(
        clip.depth, clip.intrinsics, clip.world_T_cam, truth.backward_flow, truth.backward_valid, truth.moving, grid
    )


def exact_signals(
    depth: Float[Tensor, "*batch time height width"],
    intrinsics: Float[Tensor, "*batch time 3 3"],
    world_T_cam: Float[Tensor, "*batch time 4 4"],
    backward_flow: Float[Tensor, "*batch time 2 height width"],
    backward_valid: Bool[Tensor, "*batch time height width"],
    moving: Bool[Tensor, "*batch time height width"],
    grid: tuple[int, int],
) -> Signals:
    """Put what is known of clips into the form of signals: depth in metres, flow and intrinsics in pixels."""
    height, width = depth.shape[-2:]
    first_T_cam = invert(world_T_cam[..., :1, :, :]) @ world_T_cam
    rays = plucker_rays(resize_intrinsics(intrinsics, (height, width), grid), first_T_cam, *grid)
    depth, seen = depth.unsqueeze(-3), valid_depth(depth).unsqueeze(-3)
    values = {
        "depth": torch.where(seen, depth, 1.0).log(),
        "flow": backward_flow,
        "motion": CERTAIN * (2.0 * moving.unsqueeze(-3) - 1),
        "rays": rays,
    }
    valid = {
        "depth": seen,
        "flow": backward_valid.unsqueeze(-3),
        "motion": seen,
        "rays": torch.ones_like(rays[..., :1, :, :], dtype=torch.bool),
    }
    return Signals(values, valid)


MIRRORED = {"flow": (-1.0, 1.0), "rays": (-1.0, 1.0, 1.0, 1.0, -1.0, -1.0)}  # signs of the channels of a mirror image


def mirrored(signals: Signals) -> Signals:
    """Take the signals of clips seen in a mirror: columns in reverse, and x (right) the other way round.

    Directions change the sign of x, moments, which are products of two vectors, those of y and z.
    """
    values = {name: value.flip(-1) for name, value in signals.values.items()}
    for name, signs in MIRRORED.items():
        values[name] = values[name] * values[name].new_tensor(signs)[:, None, None]
    return Signals(values, {name: valid.flip(-1) for name, valid in signals.valid.items()})
