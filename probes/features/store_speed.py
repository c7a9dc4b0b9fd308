"""Cost of reading a training sample, compared with loading whole clips: `region4d speed store`.

Clips have the published shape (WAN 2.1 14B, 21 slots of 30 x 52 x 5120 in float16; labels of 150 frames of 294 x 518,
as for DL3DV). Every arm reads the features and labels of four views, sampled as in the published code, casts features
to float32 and unprojects points from depth, with the same functions. "Whole clips, read" reads every byte of the clip's
two files, as on a file system without memory maps. "Whole clips, mapped" is `safetensors.torch.load_file`, which maps
them, so that only touched pages of a local disk are read. Ours reads the slots and frames of the views, in float16 or
in 8 bits. All files are in the page cache; there is one thread, as in a worker of a data loader.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, load_file, save_file
from torch import Tensor

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.stopwatch import Race, print_races, race, write_races
from models.geometry import invert, matrix
from probes.clips.label_files import LabelFile, write_labels
from probes.clips.labels import labels_from_depth
from probes.clips.view_sampler import ViewSampler
from probes.extractors.slots import Features, SlotMap
from probes.features.memory import cast_to
from probes.features.store import FeatureStore
from scenes.storage.atomic import write_text

TARGET_BYTES_RATIO, TARGET_SPEEDUP = 20, 10
SLOTS, ROWS, COLS, CHANNELS = 21, 30, 52, 5120
FRAMES, HEIGHT, WIDTH = 150, 294, 518
CAUSAL = SlotMap(((0,), *(tuple(range(4 * k - 3, 4 * k + 1)) for k in range(1, SLOTS))))


def time_store(output: Path, command: str, clips: int = 3, repeats: int = 9, folder: Path | None = None) -> None:
    """Race the arms, and count the bytes that each reads.

    Args:
        output: path of the JSON record; a table is written next to it.
        command: command line, for the record.
        clips: number of clips on disk, 1.3 GB each.
        repeats: samples per arm.
        folder: folder for the temporary clips; by default that of the system.
    """
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        store = Path(name)
        for clip in range(clips):
            write_clip(store, f"clip-{clip}")
        sampler = ViewSampler()
        draws = [sampler.fixed(f"draw-{k}") for k in range(repeats + 1)]
        kinds = ("slots in 8 bits", READ, "slots in float16", MAPPED)
        arms = {kind: stepper(store, kind, clips, draws) for kind in kinds}
        ours, whole, half, _ = kinds
        races = [race("reading a sample of four views", arms, TARGET_SPEEDUP, repeats, CPU)]
        sizes = {kind: sample_bytes(store, kind, draws[0]) for kind in (ours, half, whole)}
    print_races(races)
    for kind in (ours, half):
        print(f"{kind}: {sizes[kind] / 1e6:.1f} MB a sample, 1/{sizes[whole] / sizes[kind]:.1f} of {whole}")
    write(output, command, races, sizes, clips)


CPU = torch.device("cpu")
READ, MAPPED = "whole clips, read", "whole clips, mapped"


def write(output: Path, command: str, races: list[Race], sizes: dict[str, int], clips: int) -> None:
    """Write times and bytes, and a table of both next to them."""
    write_races(output, command, races, collect_manifest({"clips": clips, "bytes a sample": sizes}))
    write_text(output.with_suffix(".md"), reading_table(json.loads(output.read_text())))


def reading_table(record: dict[str, Any]) -> str:
    """Format a record as Markdown: bytes and time of a sample, and both relative to reading whole clips."""
    sizes, (times,) = record["config"]["bytes a sample"], record["tasks"].values()
    whole = times["arms"][READ]["median_s"]
    lines = ["| read | MB a sample | times fewer bytes | ms a sample | times as fast |", "|" + " --- |" * 5]
    for arm, timed in times["arms"].items():
        size = sizes.get(arm)  # unknown where only touched pages are read
        cells = [f"{size / 1e6:.1f}", f"{sizes[READ] / size:.1f}"] if size else ["", ""]
        cells += [f"{timed['median_s'] * 1e3:.0f}", f"{whole / timed['median_s']:.1f}"]
        lines.append("| " + " | ".join([arm, *cells]) + " |")
    lines.append(f"| aim, slots in 8 bits |  | {TARGET_BYTES_RATIO} |  | {times['at_least']:g} |")
    note = f"- `{record['command']}`, commit {record['commit']}, {record['machine']}"
    return "\n".join(["# Reading features", "", *lines, "", note]) + "\n"


def write_clip(folder: Path, clip: str) -> None:
    """Write the features and labels of a clip in all layouts; slots repeat, which does not affect readers."""
    generator = torch.Generator().manual_seed(0)
    slot = torch.randn(ROWS, COLS, CHANNELS, generator=generator).half()
    save_file({"feat": slot.expand(SLOTS, -1, -1, -1).contiguous()}, folder / f"{clip}.sft")
    depth = 1 + torch.rand(HEIGHT, WIDTH, generator=generator)
    frames = range(FRAMES)
    write_labels(
        folder / f"{clip}-labels.safetensors",
        images=torch.zeros(FRAMES, 3, HEIGHT, WIDTH, dtype=torch.uint8),
        depth=depth.expand(FRAMES, -1, -1),
        points=depth[..., None].expand(FRAMES, -1, -1, 3),
        confidence=depth.expand(FRAMES, -1, -1),
        intrinsics=torch.tensor([[400.0, 0, WIDTH / 2], [0, 400.0, HEIGHT / 2], [0, 0, 1]]).expand(FRAMES, -1, -1),
        world_T_cam=torch.eye(4).expand(FRAMES, -1, -1),
    )
    kept = CAUSAL.slots_of([frame for frame in ViewSampler().reachable() if frame in frames])
    features = Features(slot.expand(len(kept), -1, -1, -1), SlotMap(tuple(CAUSAL.frames[k] for k in kept)))
    for kind, dtype in (("slots in float16", torch.float16), ("slots in 8 bits", torch.int8)):
        FeatureStore(folder / kind, "wan_14b").write(clip, features, dtype)


def stepper(folder: Path, kind: str, clips: int, draws: list[list[int]]) -> Callable[[], object]:
    """Return a function that reads the next sample at each call."""
    store, number = FeatureStore(folder / kind, "wan_14b"), count()

    def step() -> tuple[Tensor, object]:
        k = next(number)
        clip, views = f"clip-{k % clips}", draws[k % len(draws)]
        path = folder / f"{clip}-labels.safetensors"
        if kind in (READ, MAPPED):
            whole = load_file if kind == MAPPED else read_file
            features = whole(folder / f"{clip}.sft")["feat"][CAUSAL.slots_of(views)]
            arrays = {name: value[views] for name, value in whole(path).items() if value.ndim}
            poses = invert(matrix(arrays["extrinsic"][..., :3], arrays["extrinsic"][..., 3]))
            depth, confidence = (arrays[name][..., 0] for name in ("depthmaps", "confmaps"))
            labels = labels_from_depth(depth, arrays["intrinsic"], poses, confidence)
            return cast_to(features, torch.float32), labels
        return store.read_frames(clip, views, torch.float32), LabelFile(path).labels(views, unproject=True)

    return step


def read_file(path: Path) -> dict[str, Tensor]:
    """Read every byte of a file."""
    tensors: dict[str, Tensor] = load(path.read_bytes())
    return tensors


def sample_bytes(folder: Path, kind: str, views: list[int]) -> int:
    """Count the bytes of a sample: whole files, or the slots and frames of its views."""
    labels = folder / "clip-0-labels.safetensors"
    if kind == READ:
        return (folder / "clip-0.sft").stat().st_size + labels.stat().st_size
    itemsize = 1 if kind == "slots in 8 bits" else 2
    slots = len(views) * ROWS * COLS * CHANNELS * itemsize + 4 * CHANNELS
    return slots + len(views) * LabelFile(labels).frame_bytes(unproject=True)
