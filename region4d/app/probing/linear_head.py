"""Linear heads: ridge regressions from one frozen feature to the points and depth of its cell, fitted in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from distill.ridge import Ridge
from probes.clips.clip_sets import resample
from probes.clips.labels import Labels, labels_from_depth
from probes.extractors.extractor import Extractor
from probes.extractors.noise import Noise
from region4d.app.work import Report
from scenes.clip import Clip
from scenes.worlds import WorldConfig, make_world, render

FRAMES, VIEWS = 8, (0, 2, 4, 6)  # of a clip, and those that are read, as in the probe study
WORLDS, FIRST_SEED, HELD_OUT = 128, 5_000_000, 16  # of the probe study's training; the last ones choose the strength
WORLD = WorldConfig(height=48, width=64, frames=FRAMES)
BATCH = 16  # worlds
SUBPIXELS = 8  # values along each side of a feature's cell
RIDGES = (0.01, 0.1, 1.0, 10.0)  # times the mean variance of a feature
SHARES = (0.45, 0.7)  # of the time of a first fit: until the worlds are rendered, until their features are known


def labels_of(clip: Clip, size: tuple[int, int]) -> Labels:
    """Take the points, depth and cameras of all frames of a clip at `size` (height, width), in its first camera.

    Raises:
        ValueError: the clip lacks depth, intrinsics or poses, or its first frame has no depth.
    """
    if clip.depth is None or clip.intrinsics is None or clip.world_T_cam is None:
        raise ValueError("labels need depth, intrinsics and camera poses")
    return resample(labels_from_depth(clip.depth, clip.intrinsics, clip.world_T_cam), size)


class FittingWorlds:
    """The worlds that all linear heads of a server are fitted on, rendered once."""

    def __init__(self) -> None:
        self._clips: list[Clip] = []

    def clips(self, report: Report) -> list[Clip]:
        """Render the worlds, or take those rendered before; half of them have objects that move."""
        for first in range(len(self._clips), WORLDS, BATCH):
            report(f"rendering {WORLDS} worlds to fit a linear head", SHARES[0] * first / WORLDS)
            worlds = [make_world(FIRST_SEED + first + k, replace(WORLD, motion=k % 2 == 1)) for k in range(BATCH)]
            self._clips += render(worlds, "cpu", ())
        return self._clips

    @cached_property
    def videos(self) -> UInt8[Tensor, "clip time 3 height width"]:
        """The frames."""
        return torch.stack([clip.video for clip in self._clips])


@dataclass(frozen=True)
class LinearHead:
    """One regression for all cells, and the mean of each cell over the worlds that it was fitted on.

    Features are scaled to mean 0 and variance 1, as the LayerNorm of a probe does; a head of features that say nothing
    predicts the means. Outputs are the points in the first camera and the log
    depth, SUBPIXELS x SUBPIXELS of each in a cell; lengths in mean distances of the first view's points.
    """

    ridge: Ridge
    strength: float
    features: Float[Tensor, "view rows cols channel"]  # their mean
    targets: Float[Tensor, "view rows cols output"]  # their mean
    usual: Float[Tensor, "slot rows cols channel"]  # the mean of the features as they are, of all slots

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the maps."""
        return SUBPIXELS * self.targets.shape[1], SUBPIXELS * self.targets.shape[2]

    def predict(
        self, features: Float[Tensor, "view rows cols channel"]
    ) -> tuple[Float[Tensor, "view height width 3"], Float[Tensor, "view height width"]]:
        """Predict points and depth."""
        cells = (_scaled(features) - self.features).flatten(0, 2)
        return _maps(self.targets + self.ridge.predict(cells, self.strength).reshape(self.targets.shape))

    def blind(self) -> tuple[Float[Tensor, "view height width 3"], Float[Tensor, "view height width"]]:
        """Predict without looking: the mean of the worlds."""
        return _maps(self.targets)


def fit_heads(
    worlds: FittingWorlds, extractor: Extractor, layers: Sequence[int], noise: Noise | None, report: Report
) -> dict[int, LinearHead]:
    """Fit a head on each layer; of RIDGES, the strength that predicts held-out worlds best."""
    clips = worlds.clips(report)
    features: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    usual: dict[int, Tensor] = {}
    for first in range(0, WORLDS, BATCH):
        report(f"extracting features of {extractor.name}", SHARES[0] + (SHARES[1] - SHARES[0]) * first / WORLDS)
        names = [clip.name for clip in clips[first : first + BATCH]]
        extracted, slots = extractor.extract_many(worlds.videos[first : first + BATCH], layers, noise, names)
        for layer in layers:
            values = extracted[layer].float().cpu()
            features[layer].append(values[:, slots.slots_of(VIEWS)])
            usual[layer] = usual.get(layer, torch.zeros(())) + values.sum(0) / WORLDS
    heads, targets = {}, {}  # of a size of the grid
    for layer in layers:
        report(f"fitting a linear head on layer {layer}", SHARES[1] + (1 - SHARES[1]) * layer / len(layers))
        x = _scaled(torch.cat(features[layer]))
        grid = (x.shape[2], x.shape[3])
        if grid not in targets:
            targets[grid] = torch.stack([_targets(clip, grid) for clip in clips])
        heads[layer] = _fit(x, targets[grid], usual[layer])
    return heads


def _fit(
    x: Float[Tensor, "clip view rows cols channel"],
    y: Float[Tensor, "clip view rows cols output"],
    usual: Float[Tensor, "slot rows cols channel"],
) -> LinearHead:
    x_mean, y_mean = x.mean(0), y.mean(0)
    rows, targets = (x - x_mean).flatten(1, 3), (y - y_mean).flatten(1, 3)
    inner, held_out = slice(0, WORLDS - HELD_OUT), slice(WORLDS - HELD_OUT, WORLDS)
    tried = Ridge(rows[inner].flatten(0, 1), targets[inner].flatten(0, 1))
    scores = tried.r2(rows[held_out].flatten(0, 1), targets[held_out].flatten(0, 1), RIDGES)
    ridge = Ridge(rows.flatten(0, 1), targets.flatten(0, 1))
    return LinearHead(ridge, RIDGES[scores.index(max(scores))], x_mean, y_mean, usual)


def _targets(clip: Clip, grid: tuple[int, int]) -> Float[Tensor, "view rows cols output"]:
    labels = labels_of(clip.frames(VIEWS), (SUBPIXELS * grid[0], SUBPIXELS * grid[1]))
    maps = torch.cat([labels.points, labels.depth[..., None].log()], -1)
    cells: Tensor = rearrange(maps, "v (r a) (c b) o -> v r c (a b o)", a=SUBPIXELS, b=SUBPIXELS)
    return cells


def _scaled(features: Float[Tensor, "*cell channel"]) -> Float[Tensor, "*cell channel"]:
    scaled: Tensor = F.layer_norm(features, list(features.shape[-1:]))
    return scaled


def _maps(
    outputs: Float[Tensor, "view rows cols output"],
) -> tuple[Float[Tensor, "view height width 3"], Float[Tensor, "view height width"]]:
    maps = rearrange(outputs, "v r c (a b o) -> v (r a) (c b) o", a=SUBPIXELS, b=SUBPIXELS, o=4)
    return maps[..., :3], maps[..., 3].exp()
