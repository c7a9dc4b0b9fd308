"""Poses and depth of clips with known truth, by the routes that need nothing downloaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.geometry.trajectory import fitted_scale, path_length, pose_errors
from models.providers import GeometryEstimate, open_provider
from scenes.clip import Clip
from scenes.worlds import WorldConfig, make_world, render

ROUTES: Mapping[str, tuple[str, bool]] = {  # provider, and whether it is given the true depth
    "odometry": ("odometry", True),
    "colmap with depth": ("colmap", True),
    "colmap": ("colmap", False),
}
FRAMES, HEIGHT, WIDTH = 8, 240, 320  # of a world


@dataclass(frozen=True)
class PoseRecord:
    """One route on one clip; errors are None where it refused the clip, with its words in `refusal`.

    Attributes:
        route: Of `ROUTES`.
        clip: Its name.
        kind: Of the clip: static, moving, real.
        path: Length of the true camera path, metres.
        rotation_deg: Largest rotation error.
        translation: Largest translation error, metres; for a route without metres after the best scale.
        depth_error: Median of |z / true - 1| where both are known, after the median scale; None for given depth.
        refusal: Why the route gave nothing.
    """

    route: str
    clip: str
    kind: str
    path: float
    rotation_deg: float | None = None
    translation: float | None = None
    depth_error: float | None = None
    refusal: str | None = None


def measure(clip: Clip, kind: str, route: str) -> PoseRecord:
    """Run a route on a clip with its poses withheld.

    Raises:
        ValueError: the clip has no poses or depth to compare with.
    """
    true, depth = clip.world_T_cam, clip.depth
    if true is None or depth is None:
        raise ValueError(f"{clip.name} has no poses or no depth to compare with")
    provider, given = ROUTES[route]
    path = path_length(true)
    try:
        estimate = open_provider(provider)(clip.video, clip.intrinsics, depth if given else None)
    except ValueError as error:
        return PoseRecord(route, clip.name, kind, path, refusal=str(error))
    assert estimate.world_T_cam is not None
    scale = 1.0 if estimate.metric else fitted_scale(estimate.world_T_cam, true)
    rotation, translation = pose_errors(estimate.world_T_cam, true, scale)
    return PoseRecord(
        route, clip.name, kind, path, rotation, translation, None if given else relative_depth_error(estimate, depth)
    )


def relative_depth_error(estimate: GeometryEstimate, true: Float[Tensor, "time height width"]) -> float:
    """Measure the median relative error of depth where both are known, after the median ratio is divided out."""
    both = estimate.points.valid & (true > 0)
    ratio = estimate.points.xyz[..., 2][both] / true[both]
    return float((ratio / ratio.median() - 1).abs().median())


def measure_world(seed: int, moving: bool, routes: Iterable[str]) -> list[PoseRecord]:
    """Render a world, and run routes on it."""
    torch.set_num_threads(1)
    (clip,) = render(
        [make_world(seed, WorldConfig(frames=FRAMES, height=HEIGHT, width=WIDTH, motion=moving))], "cpu", ()
    )
    return [measure(clip, "moving" if moving else "static", route) for route in routes]


def measure_worlds(
    jobs: Iterable[tuple[int, bool]], routes: Iterable[str] = tuple(ROUTES), workers: int = 2
) -> Iterator[list[PoseRecord]]:
    """Measure worlds (seed, moving) in processes, in their order."""
    todo, chosen = list(jobs), tuple(routes)
    if workers == 1:
        yield from (measure_world(*job, chosen) for job in todo)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(measure_world, *zip(*todo, strict=True), [chosen] * len(todo))
