"""Features and depth as small pictures: one pixel a cell of the grid, which a page enlarges."""

from __future__ import annotations

import io
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from PIL import Image
from torch import Tensor

from scenes.drawing.data_url import data_url
from scenes.worlds.preview import depth_colours

SPREAD = (0.02, 0.98)  # quantiles of a component that get the darkest and the lightest value
WORST_ERROR = 0.5  # relative, of the last colour
UNKNOWN = 0.5  # grey of pixels without depth


@dataclass(frozen=True)
class FeatureColours:
    """The first three principal components of the features of a clip as red, green and blue; `share` of the variance.

    Equal colours mean similar features within one layer; the colours of two layers have nothing in common.
    """

    rgb: Float[Tensor, "slot 3 rows cols"]
    share: float


def feature_colours(features: Float[Tensor, "slot rows cols channel"]) -> FeatureColours:
    """Colour features by PCA over all cells of all slots; each component is stretched to its own range."""
    flat = features.flatten(0, 2).double()
    centred = flat - flat.mean(0)
    variances, axes = torch.linalg.eigh(centred.T @ centred / len(flat))
    axes, total = axes[:, -3:].flip(1), variances.clamp_min(0).sum()
    signs = axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()  # else they are arbitrary
    components = centred @ (axes * signs)
    low, high = components.quantile(torch.tensor(SPREAD).to(components), dim=0)
    rgb = ((components - low) / (high - low).clamp_min(1e-9)).clamp(0, 1)
    share = float(variances[-3:].sum() / total) if float(total) > 0 else 0.0
    return FeatureColours(
        rearrange(rgb, "(s r c) o -> s o r c", s=features.shape[0], r=features.shape[1]).float(), share
    )


def depth_pictures(
    depth: Float[Tensor, "view height width"],
    among: Float[Tensor, "value"],
    valid: Bool[Tensor, "view height width"] | None = None,
) -> Float[Tensor, "view 3 height width"]:
    """Colour depth from near (bright) to far (dark), in the range of the values `among`; unknown depth is grey."""
    low, high = among.aminmax()
    known = torch.ones_like(depth, dtype=torch.bool) if valid is None else valid
    held = torch.where(known, depth, low).clamp(low, high)
    ends = torch.stack([low, high])[:, None, None].expand(2, *depth.shape[1:])  # so that the range is this one
    colours = depth_colours(torch.cat([held, ends]))[: len(depth)]
    return torch.where(known[:, None], colours, torch.tensor(UNKNOWN))


def error_pictures(error: Float[Tensor, "view height width"]) -> Float[Tensor, "view 3 height width"]:
    """Colour relative errors from 0 (dark blue) to WORST_ERROR and more (yellow)."""
    stops = torch.tensor([[0.1, 0.12, 0.4], [0.15, 0.5, 0.55], [0.98, 0.9, 0.25]])
    place = (error / WORST_ERROR).clamp(0, 1) * (len(stops) - 1)
    low = place.long().clamp(max=len(stops) - 2)
    return torch.lerp(stops[low], stops[low + 1], (place - low)[..., None]).movedim(-1, 1)


def picture_url(picture: Float[Tensor, "3 height width"], photo: bool = False) -> str:
    """Write a picture in [0, 1] in an address, as PNG, or as JPEG if it is a photo."""
    kind = "jpeg" if photo else "png"
    pixels: UInt8[Tensor, "height width 3"] = rearrange((255 * picture).round().to(torch.uint8), "c h w -> h w c")
    file = io.BytesIO()
    Image.fromarray(pixels.contiguous().numpy()).save(file, kind)
    return data_url(f"image/{kind}", file.getvalue())
