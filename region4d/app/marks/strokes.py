"""The pixels under a stroke of a brush."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

CHUNK = 64  # points at a time: their arrays stay small


def stroke_mask(
    points: Sequence[tuple[float, float]], radius: float, height: int, width: int
) -> Bool[Tensor, "height width"]:
    """Mark the pixels whose centres lie within `radius` pixels of a polyline; one point gives a disc.

    A stroke is a union of discs around its points and of rectangles along its segments. Each covers an interval of
    every row, so the cost grows with points times rows, whatever the radius.
    """
    path = np.array(points, dtype=np.float64)
    steps = np.zeros((height, width + 1), np.int32)  # +1 where an interval starts, -1 where it stops
    for place in range(0, len(path), CHUNK):
        _add(steps, path[place : place + CHUNK + 1], radius)
    return torch.from_numpy(steps.cumsum(1)[:, :width] > 0)


def _add(steps: Int[np.ndarray, "height edge"], path: Float[np.ndarray, "point 2"], radius: float) -> None:
    height, width = steps.shape[0], steps.shape[1] - 1
    top = max(0, int(np.floor(path[:, 1].min() - radius)))
    bottom = max(top, min(height, int(np.ceil(path[:, 1].max() + radius))))
    rows = np.arange(top, bottom) + 0.5
    for left, right in (_discs(path, radius, rows), _bars(path, radius, rows)):
        first = np.ceil(left - 0.5).clip(0, width).astype(np.int64)
        stop = (np.floor(right - 0.5) + 1).clip(0, width).astype(np.int64)
        covered = first < stop
        row = np.broadcast_to(np.arange(len(rows)), first.shape)[covered]
        np.add.at(steps[top:], (row, first[covered]), 1)
        np.add.at(steps[top:], (row, stop[covered]), -1)


Intervals = tuple[Float[np.ndarray, "part row"], Float[np.ndarray, "part row"]]  # left, right; empty: left > right


def _discs(path: Float[np.ndarray, "point 2"], radius: float, rows: Float[np.ndarray, "row"]) -> Intervals:
    square = radius**2 - (rows - path[:, 1:]) ** 2
    half = np.where(square >= 0, np.sqrt(square.clip(0)), -np.inf)
    return path[:, :1] - half, path[:, :1] + half


def _bars(path: Float[np.ndarray, "point 2"], radius: float, rows: Float[np.ndarray, "row"]) -> Intervals:
    """Intersect the rectangles along the segments with the rows, by where their four edges cross a row."""
    along = np.diff(path, axis=0)
    length = np.linalg.norm(along, axis=1, keepdims=True)
    across = radius * np.stack([-along[:, 1], along[:, 0]], 1) / np.where(length > 0, length, 1)
    start, end = path[:-1], path[1:]
    corners = np.stack([start + across, end + across, end - across, start - across], 1)  # [segment, corner, xy]
    edges = np.roll(corners, -1, axis=1) - corners
    rise = np.where(edges[..., 1] == 0, np.inf, edges[..., 1])[..., None]  # the neighbours of a level edge end it
    share = (rows - corners[..., 1:]) / rise
    crossing = corners[..., :1] + share * edges[..., :1]
    met = (share >= 0) & (share <= 1) & np.isfinite(rise)
    return np.where(met, crossing, np.inf).min(1), np.where(met, crossing, -np.inf).max(1)
