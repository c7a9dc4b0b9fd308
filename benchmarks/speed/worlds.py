"""Speed of ray casting worlds, beside Open3D's RaycastingScene: `python -m benchmarks.speed.worlds [--device cuda]`.

Both give z-depth, object ids and world normals of the same pixels of the same worlds. Open3D (Embree, on the CPU, all
cores) gets one scene a world with the meshes of its room and objects; building scenes, meshes and rays is not timed,
nor is packing on our side. On the CPU the worlds are shared out among `--workers` threads, as WorldStore shares them
among processes. Its answer is checked against ours before the clock starts. Clips a second, from seeds to
tensors with colour, are timed beside it, against what training needs.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

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

RESULT = Path(__file__).parents[2] / "results" / "speed" / "worlds.json"


def embree_scene(world: World, segments: int) -> Any:
    """Build the scene of a static world: geometry 0 is the room, k + 1 is object k."""
    scene = open3d.t.geometry.RaycastingScene()
    for mesh in [room_mesh(world), *world_mesh(world, 0, segments)]:
        parts = (mesh.vertices.numpy(), mesh.faces.numpy().astype(np.uint32))
        scene.add_triangles(*(open3d.core.Tensor.from_numpy(part) for part in parts))
    return scene


def pixel_rays(scene: PackedWorlds, worlds: int) -> list[Any]:
    """Build Open3D's rays of every world: origin and direction, which has z = 1 in the camera, so that t is depth."""
    direction = pixel_directions(scene).permute(1, 2, 0)
    origin = scene.world_T_cam[:, None, :3, 3].expand_as(direction)
    rays = torch.cat([origin, direction], -1).unflatten(0, (worlds, -1)).contiguous()
    return [open3d.core.Tensor.from_numpy(rays[w].numpy()) for w in range(worlds)]


def check(hits: Hits, scene: PackedWorlds, answers: Sequence[Any]) -> None:
    """Hold both answers together: meshes lie a little inside of the round surfaces."""
    depth = torch.cat([torch.from_numpy(a["t_hit"].numpy()) for a in answers])
    ids = torch.cat([torch.from_numpy(a["geometry_ids"].numpy().astype(np.int64)) for a in answers])
    ours = torch.where(hits.on_object(), scene.object_index[scene.primitive_object][hits.primitive] + 1, 0)
    same, near = (ours == ids).float().mean(), ((depth - hits.depth).abs() < 0.01 * depth).float().mean()
    if same < 0.99 or near < 0.99:
        raise AssertionError(f"only {same:.1%} of the ids and {near:.1%} of the depths agree with Open3D")


def race_casting(repeats: int, device: torch.device, workers: int, count: int, size: int, segments: int) -> Race:
    """Time the casting of four frames of each of `count` static worlds."""
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
    """Time what training does in each of its processes: draw worlds, render 4 frames of 64 x 64 pixels with colour."""
    config = WorldConfig()
    render([make_world(seed, config) for seed in range(8)], "cpu", ())
    start = time.perf_counter()
    for first in range(0, count, 8):
        render([make_world(seed, config) for seed in range(first, first + 8)], "cpu", ())
    return count / (time.perf_counter() - start)


def main(
    device: Annotated[str, typer.Option(help="where region4d casts: cpu, cuda")] = "cpu",
    repeats: Annotated[int, typer.Option(help="runs of each implementation, in turns")] = 11,
    workers: Annotated[int | None, typer.Option(help="threads that share the worlds; all cores, one on a GPU")] = None,
    worlds: Annotated[int, typer.Option(help="worlds in a batch")] = 8,
    size: Annotated[int, typer.Option(help="pixels of a side")] = 256,
    segments: Annotated[int, typer.Option(help="corners of a circle in the meshes")] = 32,
    output: Annotated[Path, typer.Option(help="where the JSON record goes")] = RESULT,
) -> None:
    """Time both, print a table, write a record."""
    if open3d is None:
        raise ImportError("this comparison needs Open3D: pip install 'region4d[geom]'")
    workers = workers or (1 if device != "cpu" else os.cpu_count() or 1)
    torch.set_num_threads(1)
    races = [race_casting(repeats, torch.device(device), workers, worlds, size, segments)]
    print_races(races)
    rate = clips_per_second(64)
    print(f"{rate:.0f} clips/s in one process (4 frames of 64 x 64 pixels: colour, depth, instances)")
    command = shlex.join(["python", "-m", "benchmarks.speed.worlds", *sys.argv[1:]])
    config = {"device": device, "repeats": repeats, "workers": workers, "worlds": worlds, "size": size}
    write_races(output, command, races, collect_manifest(config | {"segments": segments, "clips_per_second": rate}))


if __name__ == "__main__":
    typer.run(main)
