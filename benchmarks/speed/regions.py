"""Speed of tiling and of region pooling, compared with what published code does: `region4d speed regions`.

The rivals below are written anew:

- Tiling: PIL resizes the image to the grid once and crops every tile, as InternVL's and VILA's `dynamic_preprocess` do.
  Like ours, it uses the bicubic filter with antialiasing, starts from a PIL image, ends in one uint8 tensor, and gives
  the same result, which is checked.
- Pooling as SpatialRGPT's `MaskPooling` does it, image by image: masks become floats, are sampled (bilinear) at the
  centres of the tokens, and are multiplied with the features. That misses what lies between the samples, so it is not
  the same result; it was made for one image, and the frames of a video are added here.
- Pooling with the same result as ours: masks become floats and are averaged in full over each token, all regions and
  frames at once or one region at a time, which needs less memory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate
from torchvision.transforms.v2.functional import pil_to_tensor

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.stopwatch import Race, print_races, race, write_races
from models.regions import RegionMasks, TilePlan, plan_tiles, pool_regions, tile_image


def pil_tiles(image: Image.Image, plan: TilePlan) -> UInt8[Tensor, "tile 3 side side"]:
    """Tile with PIL: resize the image to the grid, and crop every tile."""
    height, width = plan.size
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    corners = [(x, y) for y in range(0, height, plan.tile) for x in range(0, width, plan.tile)]
    crops = [resized.crop((x, y, x + plan.tile, y + plan.tile)) for x, y in corners]
    return torch.stack([pil_to_tensor(crop) for crop in crops])


def our_tiles(image: Image.Image, plan: TilePlan, device: torch.device) -> UInt8[Tensor, "tile 3 side side"]:
    """Tile with `tile_image`, including the conversion of the PIL image to a tensor."""
    pixels = torch.from_numpy(np.array(image)).to(device)
    tiles: Tensor = tile_image(rearrange(pixels, "h w c -> c h w"), plan)
    return tiles


def pool_by_frame(
    features: Float[Tensor, "frame rows cols channel"], masks: Bool[Tensor, "region frame height width"]
) -> Float[Tensor, "region channel"]:
    """Pool each frame by masks that are sampled at the centres of its tokens, and add the frames by their weights."""
    total, weight = features.new_zeros(len(masks), features.shape[-1]), features.new_zeros(len(masks))
    for frame, of_frame in zip(features, masks.unbind(1), strict=True):
        sampled = interpolate(of_frame[None].float(), features.shape[1:3], mode="bilinear")[0].flatten(1)
        total += sampled @ frame.flatten(0, 1)
        weight += sampled.sum(1)
    return total / weight[:, None]


def pool_by_sample(
    features: Float[Tensor, "frame rows cols channel"], masks: Bool[Tensor, "region frame height width"]
) -> Float[Tensor, "region channel"]:
    """Pool with one interpolation of all masks and one matrix product per sample."""
    weights = interpolate(masks.float(), features.shape[1:3], mode="area")
    total = torch.einsum("rfhw,fhwc->rc", weights, features)
    return total / weights.sum((1, 2, 3))[:, None]


def pool_by_region(
    features: Float[Tensor, "frame rows cols channel"], masks: Bool[Tensor, "region frame height width"]
) -> Float[Tensor, "region channel"]:
    """Pool one region at a time, with an interpolation and a matrix product each."""
    return torch.cat([pool_by_sample(features, mask[None]) for mask in masks])


def draw_ellipses(
    regions: int, frames: int, side: int, cover: float, generator: torch.Generator
) -> Bool[Tensor, "region frame height width"]:
    """Draw elliptic masks of random position and aspect, each covering about the share `cover` of the image."""
    aspect = 0.5 + 1.5 * torch.rand(regions, frames, 1, 1, generator=generator)
    radius = side * (cover / torch.pi / aspect) ** 0.5
    y0, x0 = side * (0.2 + 0.6 * torch.rand(2, regions, frames, 1, 1, generator=generator))
    pixel = torch.arange(side) + 0.5
    inside: Tensor = ((pixel - x0) / radius) ** 2 + ((pixel[:, None] - y0) / (aspect * radius)) ** 2 <= 1
    return inside


def race_tiling(repeats: int, device: torch.device) -> Race:
    """Time the tiling of a 1920 x 1080 image."""
    pixels = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), dtype=np.uint8)
    image, plan = Image.fromarray(pixels), plan_tiles(1080, 1920)
    tensor = rearrange(torch.from_numpy(pixels), "h w c -> c h w").contiguous().to(device)
    difference = our_tiles(image, plan, device).cpu().int() - pil_tiles(image, plan).int()
    if difference.abs().max() > 2:  # grey levels, on noise: two passes, each rounded to 8 bits
        raise AssertionError(f"tiles differ from PIL's by {difference.abs().max()} grey levels, expected 2 at most")
    arms = {
        "region4d": lambda: our_tiles(image, plan, device),
        "PIL, resized once and cropped (VILA)": lambda: pil_tiles(image, plan),
        "region4d, from a (3, height, width) tensor": lambda: tile_image(tensor, plan),
    }
    return race(f"tile 1920 x 1080 pixels into {plan.cols} x {plan.rows}", arms, 4.0, repeats, device)


def race_pooling(repeats: int, device: torch.device) -> Race:
    """Time the pooling of 32 regions over 32 frames."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(32, 32, 32, 1152, generator=generator).to(device)
    masks = draw_ellipses(32, 32, 448, 0.02, generator).to(device)
    region, frame = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    names = tuple(f"region {k}" for k in range(32))
    packed = RegionMasks(masks.flatten(0, 1), frame.flatten(), region.flatten(), names).to(device)
    torch.testing.assert_close(pool_regions(features, packed), pool_by_sample(features, masks), atol=1e-5, rtol=1e-4)
    arms = {
        "region4d": lambda: pool_regions(features, packed),
        "masks sampled, frame by frame (SpatialRGPT)": lambda: pool_by_frame(features, masks),
        "masks averaged, all at once": lambda: pool_by_sample(features, masks),
        "masks averaged, region by region": lambda: pool_by_region(features, masks),
    }
    return race(f"pool 32 regions ({masks.float().mean():.1%}) x 32 frames", arms, 8.0, repeats, device)


def time_regions(output: Path, command: str, device: torch.device, repeats: int = 11, threads: int = 0) -> None:
    """Time tiling and pooling against their references, print a table and write a record.

    Args:
        output: path of the JSON record.
        command: command line, for the record.
        device: device of the tensors.
        repeats: runs of each implementation, in turn.
        threads: CPU threads of torch; 0 keeps its default.
    """
    if threads:
        torch.set_num_threads(threads)
    races = [race_tiling(repeats, device), race_pooling(repeats, device)]
    print_races(races)
    config = {"device": str(device), "repeats": repeats, "threads": torch.get_num_threads()}
    write_races(output, command, races, collect_manifest(config))
