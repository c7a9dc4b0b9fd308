"""Speed of ray casting worlds, compared with Open3D's RaycastingScene: `region4d speed worlds [--device cuda]`.

Both compute z-depth, object ids and world normals of the same pixels of the same worlds. Open3D (Embree, on all CPU
cores) gets one scene per world with the meshes of its room and objects. Building scenes, meshes and rays is not timed,
nor is packing on our side. On the CPU the worlds are divided among `--workers` threads, as WorldStore divides them
among processes. The results are compared before timing starts. The record also has the clips per second that one
process draws and renders with colour, as training does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.stopwatch import Race, print_races, race, write_races
from scenes.worlds import World, WorldConfig, make_world, render
from scenes.worlds.objects.solid import object_mesh, room_mesh, world_mesh
from scenes.worlds.rendering.cast import Hits, cast, pixel_directions
from scenes.worlds.rendering.packing import PackedWorlds, pack

try:
    import open3d
except ImportError:
    open3d = None  # type: ignore[assignment]


def embree_scene(world: World, segments: int) -> Any:
    """Build the scene of a static world: geometry 0 is the room, k + 1 is object k."""
    scene = open3d.t.geometry.RaycastingScene()
    for mesh in [room_mesh(world), *world_mesh(world, 0, segments)]:
        parts = (mesh.vertices.numpy(), mesh.faces.numpy().astype(np.uint32))
        scene.add_triangles(*(open3d.core.Tensor.from_numpy(part) for part in parts))
    return scene


def pixel_rays(scene: PackedWorlds, worlds: int) -> list[Any]:
    """Build Open3D's rays of every world; directions have z = 1 in the camera, so that the ray parameter is z-depth."""
    direction = pixel_directions(scene).permute(1, 2, 0)
    origin = scene.world_T_cam[:, None, :3, 3].expand_as(direction)
    rays = torch.cat([origin, direction], -1).unflatten(0, (worlds, -1)).contiguous()
    return [open3d.core.Tensor.from_numpy(rays[w].numpy()) for w in range(worlds)]


def check(hits: Hits, scene: PackedWorlds, answers: Sequence[Any]) -> None:
    """Compare the results of both; a few pixels may differ, because meshes lie slightly inside curved surfaces."""
    depth = torch.cat([torch.from_numpy(a["t_hit"].numpy()) for a in answers])
    ids = torch.cat([torch.from_numpy(a["geometry_ids"].numpy().astype(np.int64)) for a in answers])
    ours = torch.where(hits.on_object(), scene.object_index[scene.primitive_object][hits.primitive] + 1, 0)
    same, near = (ours == ids).float().mean(), ((depth - hits.depth).abs() < 0.01 * depth).float().mean()
    if same < 0.99 or near < 0.99:
        raise AssertionError(f"{same:.1%} of the ids and {near:.1%} of the depths agree with Open3D, expected 99 %")


def race_casting(repeats: int, device: torch.device, workers: int, count: int, size: int, segments: int) -> Race:
    """Time ray casting of four frames of each of `count` static worlds."""
    config = WorldConfig(height=size, width=size, frames=4)
    worlds = [make_world(seed, config) for seed in range(count)]
    packed = pack(worlds, "cpu")
    scenes, rays = [embree_scene(world, segments) for world in worlds], pixel_rays(packed, count)

    def embree() -> list[Any]:
        return [scene.cast_rays(ray) for scene, ray in zip(scenes, rays, strict=True)]

    check(cast(packed), packed, embree())
    faces = sum(len(object_mesh(o, segments).faces) for w in worlds for o in w.objects) // count
    shares = [pack(worlds[k::workers], device) for k in range(workers)]
    pool = ThreadPoolExecutor(workers)
    task = f"{packed.views * size * size:,} rays, {count} worlds of {faces:,} triangles, {size} x {size} pixels"
    aim = 0.5 if device.type == "cpu" else 100.0
    return race(
        task, {"region4d": lambda: list(pool.map(cast, shares)), "Open3D RaycastingScene": embree}, aim, repeats, device
    )


def clips_per_second(count: int) -> float:
    """Measure the rate of one training process: draw worlds and render 4 frames of 64 x 64 pixels with colour."""
    config = WorldConfig()
    render([make_world(seed, config) for seed in range(8)], "cpu", ())
    start = time.perf_counter()
    for first in range(0, count, 8):
        render([make_world(seed, config) for seed in range(first, first + 8)], "cpu", ())
    return count / (time.perf_counter() - start)


def time_worlds(
    output: Path,
    command: str,
    device: torch.device,
    repeats: int = 11,
    workers: int | None = None,
    worlds: int = 8,
    size: int = 256,
    segments: int = 32,
) -> None:
    """Time both ray casters, print a table and write a record.

    Args:
        output: path of the JSON record.
        command: command line, for the record.
        device: device on which region4d casts rays.
        repeats: runs of each implementation, in turn.
        workers: threads among which the worlds are divided; by default all cores, or one on a GPU.
        worlds: worlds in a batch.
        size: height and width in pixels.
        segments: corners of a circle in the meshes.

    Raises:
        ImportError: Open3D is not installed.
    """
    if open3d is None:
        raise ImportError("this comparison needs Open3D: pip install 'region4d[geom]'")
    workers = workers or (1 if device.type != "cpu" else os.cpu_count() or 1)
    torch.set_num_threads(1)
    races = [race_casting(repeats, device, workers, worlds, size, segments)]
    print_races(races)
    rate = clips_per_second(64)
    print(f"{rate:.0f} clips/s in one process (4 frames of 64 x 64 pixels: colour, depth, instances)")
    config = {"device": str(device), "repeats": repeats, "workers": workers, "worlds": worlds, "size": size}
    write_races(output, command, races, collect_manifest(config | {"segments": segments, "clips_per_second": rate}))
