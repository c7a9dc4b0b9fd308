"""Predicted points beside the true ones, in one scene, so that one drag turns both."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from models.geometry import align_similarity, transform_points
from region4d.app.probing.reading import Reading
from region4d.cards.scene import write_scene

GAP = 1.1  # between the middles of two clouds, in their widths
FARTHEST = 0.98  # quantile of the points that decides how large a cloud is
POINT = 0.7  # side of a point, relative to the width of a cloud over the number of points along it


@dataclass(frozen=True)
class Cloud:
    """Points of each view in the first camera (OpenCV axes), with their colours and a label."""

    label: str
    xyz: Sequence[Float[Tensor, "point 3"]]
    rgb: Sequence[UInt8[Tensor, "point 3"]]


def clouds_of(reading: Reading, truth: str) -> list[Cloud]:
    """Take the true points, under the label `truth`, and the predicted ones, aligned with them by a similarity.

    Without truth the predicted points alone are left, in their own unit.
    """
    predicted, labels = reading.prediction, reading.labels
    views = reading.clip.frames(reading.views)
    size = (predicted.depth.shape[1], predicted.depth.shape[2])
    rgb = rearrange(F.interpolate(views.video.float(), size, mode="area"), "v c h w -> v h w c").round().byte()
    valid = torch.ones(len(views), *size, dtype=torch.bool) if labels is None else labels.valid
    colours = [each[kept] for each, kept in zip(rgb, valid, strict=True)]
    points = predicted.points
    if labels is None:
        return [Cloud("predicted", list(points.flatten(1, 2)), colours)]
    p, q = points[valid].double(), labels.points[valid].double()
    true_T_pred, _ = align_similarity(p, q, torch.ones(len(p), dtype=torch.float64))
    moved = transform_points(points.double(), true_T_pred).float()
    return [
        Cloud(truth, [each[kept] for each, kept in zip(labels.points, valid, strict=True)], colours),
        Cloud("predicted", [each[kept] for each, kept in zip(moved, valid, strict=True)], colours),
    ]


def clouds_html(clouds: Sequence[Cloud], seconds: Float[Tensor, "time"]) -> str:
    """Write clouds side by side as one page; a slider plays the views."""
    first = torch.cat(list(clouds[0].xyz))
    left, right = first[:, 0].quantile(1 - FARTHEST), first[:, 0].quantile(FARTHEST)
    width = float(right - left)
    middle = first.median(0).values
    middle[0] = (left + right) / 2
    apart = torch.tensor([GAP * width, 0.0, 0.0])

    def add(server: Any) -> Callable[[int], None]:
        server.scene.set_up_direction("-y")
        nodes = []
        for frame in range(len(seconds)):
            nodes.append(server.scene.add_frame(f"/view {frame}", show_axes=False))
            for k, cloud in enumerate(clouds):
                server.scene.add_point_cloud(
                    f"/view {frame}/{cloud.label}",
                    (cloud.xyz[frame] + k * apart).numpy().astype(np.float32),
                    cloud.rgb[frame].numpy(),
                    point_size=POINT * width / max(1.0, math.sqrt(len(cloud.xyz[frame]))),
                    point_shape="square",
                    point_shading="flat",
                    precision="float32",
                )
        top = float(first[:, 1].quantile(1 - FARTHEST))
        for k, cloud in enumerate(clouds):
            place = middle + k * apart
            place[1] = top - 0.08 * width
            server.scene.add_label(f"/label {k}", cloud.label, position=place.numpy(), anchor="bottom-center")
        centre = middle + 0.5 * (len(clouds) - 1) * apart
        away = torch.tensor([0.0, -0.35, -1.0]) * (0.75 + 0.45 * len(clouds)) * width
        server.initial_camera.position = tuple((centre + away).tolist())
        server.initial_camera.look_at = tuple(centre.tolist())
        server.initial_camera.up = (0.0, -1.0, 0.0)

        def show(frame: int) -> None:
            for other, node in enumerate(nodes):
                node.visible = other == frame

        return show

    return write_scene(seconds, add)
