"""Render worlds into clips, many at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import torch
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from scenes.clip import Clip, ObjectTruth, Truth
from scenes.worlds.rendering.cast import Hits, cast
from scenes.worlds.rendering.flow import flow, intrinsics
from scenes.worlds.rendering.packing import PackedWorlds, pack
from scenes.worlds.rendering.shading import shade
from scenes.worlds.world import World

Signal = Literal["normals", "backward_flow", "forward_flow", "moving"]
SIGNALS: tuple[Signal, ...] = ("normals", "backward_flow", "forward_flow", "moving")
NOISE_STREAM = 0x5EED  # keeps the noise of a seed apart from the draws of its layout


def render(
    worlds: Sequence[World], device: torch.device | str = "cpu", signals: Sequence[Signal] = SIGNALS
) -> list[Clip]:
    """Render worlds of one size to clips on the CPU, computing on `device`.

    Clips always have video, depth, instances, intrinsics, poses and speed; `signals` adds more. On the CPU it uses one
    thread: the tensors are too small to share, and several processes are faster (see WorldStore).
    """
    with one_thread():
        return render_batch(worlds, torch.device(device), signals)


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit torch to one CPU thread in a context."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def render_batch(worlds: Sequence[World], device: torch.device, signals: Sequence[Signal]) -> list[Clip]:
    """Render as `render` does, with all threads of torch."""
    scene = pack(worlds, device)
    hits = cast(scene)
    per_world: dict[str, Tensor] = {"depth": images(scene, hits.depth), "instances": instances(scene, hits)}
    if "normals" in signals:
        per_world["normals"] = images(scene, rearrange(hits.normal, "c view pixel -> view c pixel"))
    for name, later in (("backward", -1), ("forward", 1)):
        if f"{name}_flow" in signals:
            vectors, valid = flow(scene, hits, later)
            per_world[f"{name}_flow"], per_world[f"{name}_valid"] = images(scene, vectors), images(scene, valid)
    if "moving" in signals:
        per_world["moving"] = images(scene, moving(scene, hits))
    colour = images(scene, rearrange(shade(scene, hits), "c view pixel -> view c pixel")).cpu()
    per_world = {name: value.cpu() for name, value in per_world.items()}
    cameras = rearrange(scene.world_T_cam, "(w f) i j -> w f i j", f=scene.frames).cpu()
    pinholes = rearrange(intrinsics(scene), "(w f) i j -> w f i j", f=scene.frames).cpu()
    poses = rearrange(scene.world_T_obj, "object frame i j -> frame object i j").cpu()
    object_world = scene.object_world.cpu()

    clips = []
    for w, world in enumerate(worlds):
        of_world = {name: value[w] for name, value in per_world.items()}
        clips.append(
            Clip(
                video=expose(colour[w], world),
                seconds=torch.tensor(world.seconds),
                depth=of_world.pop("depth"),
                intrinsics=pinholes[w],
                world_T_cam=cameras[w],
                truth=Truth(
                    objects=object_truth(world),
                    world_T_obj=poses[:, object_world == w],
                    speed=torch.tensor([[obj.speed(world.seconds, u) for obj in world.objects] for u in world.moments]),
                    **of_world,
                ),
                name=f"world-{world.seed}",
            )
        )
    return clips


def expose(colour: Float[Tensor, "time 3 height width"], world: World) -> UInt8[Tensor, "time 3 height width"]:
    """Add sensor noise, drawn on the CPU from the seed of the world, and round to 8 bits."""
    rng = torch.Generator().manual_seed(world.seed ^ NOISE_STREAM)
    grain = torch.randn(colour.shape, generator=rng)
    return (255 * (colour + world.noise * grain)).round().clamp(0, 255).to(torch.uint8)


def images(scene: PackedWorlds, pixels: Tensor) -> Tensor:
    """Give flat pixels of views (view ... pixel) their image shape: (world, time, ..., height, width)."""
    size = (scene.worlds, scene.frames, *pixels.shape[1:-1], scene.height, scene.width)
    return pixels.reshape(size)


def instances(scene: PackedWorlds, hits: Hits) -> UInt8[Tensor, "world time height width"]:
    """Number the objects: k + 1 where object k of the world is seen, 0 on the room."""
    index = scene.object_index[scene.primitive_object]
    return images(scene, torch.where(hits.on_object(), index[hits.primitive] + 1, 0).to(torch.uint8))


def moving(scene: PackedWorlds, hits: Hits) -> Bool[Tensor, "view pixel"]:
    """Mark surfaces whose pose in the world differs from the frame before (for the first frame: the one after)."""
    poses = scene.world_T_obj
    changed = (poses[:, 1:] != poses[:, :-1]).flatten(2).any(-1)
    first = changed[:, :1] if scene.frames > 1 else torch.zeros_like(poses[:, :1, 0, 0], dtype=torch.bool)
    changed = torch.cat([first, changed], 1)
    frame = (torch.arange(scene.views, device=poses.device) % scene.frames)[:, None]
    obj = scene.primitive_object[hits.primitive]
    return hits.on_object() & changed[obj, frame]


def object_truth(world: World) -> tuple[ObjectTruth, ...]:
    """Describe the objects of a world."""
    return tuple(
        ObjectTruth(o.family, o.colour, o.size, o.motion.kind, o.motion.length, o.motion.turn) for o in world.objects
    )
