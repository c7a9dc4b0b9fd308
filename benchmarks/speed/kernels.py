"""Speed of the Triton kernels and of packed attention on a GPU: `region4d speed kernels`.

Each kernel runs against torch and torch.compile of its reference, and beside a copy that moves the bytes that it reads
and writes, each once: the least time that it could take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.packed_attention import packed_attention
from benchmarks.speed.regions import draw_ellipses
from benchmarks.speed.stopwatch import Race, print_races, race, write_races
from models.regions import RegionMasks, area_weights, plan_tiles, pooling, tiling

CALLS = 10  # between two readings of the clock, so that the launch of a kernel counts little
COPY = "copy of the bytes, once"
Arms = Mapping[str, Callable[[], object]]


def time_kernels(output: Path, command: str, device: torch.device, repeats: int = 11) -> None:
    """Time the kernels and packed attention on a GPU, print a table and write a record.

    Args:
        output: path of the JSON record.
        command: command line, for the record.
        device: a GPU.
        repeats: readings of each implementation, in turn.

    Raises:
        ValueError: the device is not a GPU, or triton is not installed.
    """
    if device.type != "cuda":
        raise ValueError(
            f"kernels are timed on a GPU, not on {device}: run this where there is one, with --device cuda"
        )
    if find_spec("triton") is None:
        raise ValueError("there are no kernels without triton: pip install triton, in the version that torch names")
    torch.manual_seed(0)
    races = [
        race(task, {name: partial(_often, call) for name, call in arms.items()}, 1.0, repeats, device)
        for task, arms in {**tilings(device), **poolings(device), **packed_attention(device)}.items()
    ]
    print_races(races)
    print(f"functions whose kernel is faster: {', '.join(sorted(winners(races))) or 'none'}")
    config = {"device": torch.cuda.get_device_name(device), "repeats": repeats, "calls": CALLS}
    write_races(output, command, races, collect_manifest(config))


def winners(races: Sequence[Race]) -> set[str]:
    """Name the functions (a task up to its colon) whose kernel was faster than every rival in each of their races."""
    won: dict[str, bool] = {}
    for timed in races:
        name = timed.task.partition(":")[0]
        faster = all(timed.ratio(arm) > 1 for arm in list(timed.seconds)[1:] if arm != COPY)
        won[name] = won.get(name, True) and faster
    return {name for name, always in won.items() if always}


def tilings(device: torch.device, height: int = 1080, width: int = 1920, frames: int = 16) -> dict[str, Arms]:
    """Prepare the tiling of a video in two types, and of masks of its size."""
    from models.regions.kernels import tile_image, tile_mask  # needs triton

    plan = plan_tiles(height, width, tile=round(448 * height / 1080))
    pixels = plan.size[0] * plan.size[1] + height * width  # written and read
    video = torch.randint(0, 256, (frames, 3, height, width), dtype=torch.uint8, device=device)
    masks = torch.rand(4 * frames, height, width, device=device) > 0.99
    size = f"{width} x {height} pixels into {plan.cols} x {plan.rows}"
    image_of, mask_of = tiling.tile_image.__wrapped__, tiling.tile_mask.__wrapped__  # type: ignore[attr-defined]
    return {
        f"tile_image: {frames} frames of {size}": _arms(tile_image, image_of, 3 * frames * pixels, video, plan),
        f"tile_image: {frames} frames, bfloat16, with gradient": _arms(
            _with_gradient(tile_image), _with_gradient(image_of), 12 * frames * pixels, video.bfloat16(), plan
        ),
        f"tile_mask: {4 * frames} masks of {size}": _arms(tile_mask, mask_of, 4 * frames * pixels, masks, plan),
    }


def poolings(device: torch.device, count: int = 32, side: int = 448, channels: int = 1152) -> dict[str, Arms]:
    """Prepare the pooling of regions of 2 % of the picture over frames, as many of one as of the other, in bfloat16."""
    from models.regions.kernels import pool_regions

    drawn = draw_ellipses(count, count, side, 0.02, torch.Generator().manual_seed(0)).to(device)
    region, frame = torch.meshgrid(torch.arange(count), torch.arange(count), indexing="ij")
    names = tuple(f"region {k}" for k in range(count))
    masks = RegionMasks(drawn.flatten(0, 1), frame.flatten(), region.flatten(), names).to(device)
    rows = side // 14
    features = torch.randn(count, rows, rows, channels, device=device, dtype=torch.bfloat16)
    touched = area_weights(masks.masks, rows, rows)
    token = masks.tile[touched.entry] * rows * rows + touched.cell
    moved = masks.masks.numel() + len(token.unique()) * channels * 2
    pool: Callable[..., Tensor] = pooling.pool_regions.__wrapped__  # type: ignore[attr-defined]
    size = f"{count} regions x {count} frames"
    return {
        f"pool_regions: {size}": _arms(pool_regions, pool, moved, features, masks),
        f"pool_regions: {size}, with gradient": _arms(
            _with_gradient(pool_regions), _with_gradient(pool), moved + features.nbytes, features, masks
        ),
    }


def _arms(kernel: Callable[..., Tensor], reference: Callable[..., Tensor], moved: int, *inputs: Any) -> Arms:
    """Name the rivals; a copy of half the bytes reads them and writes them."""
    source = torch.zeros(moved // 2, dtype=torch.uint8, device=inputs[0].device)
    target = torch.zeros_like(source)
    return {
        "Triton": partial(kernel, *inputs),
        "torch.compile": partial(torch.compile(reference), *inputs),
        "torch": partial(reference, *inputs),
        COPY: partial(target.copy_, source),
    }


def _with_gradient(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def forward_and_backward(leaf: Tensor, *rest: Any) -> Tensor:
        leaf = leaf.detach().requires_grad_()
        found = function(leaf, *rest)
        return torch.autograd.grad(found, leaf, torch.ones_like(found))[0]

    return forward_and_backward


def _often(call: Callable[[], object]) -> None:
    for _ in range(CALLS):
        call()
