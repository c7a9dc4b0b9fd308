"""Golden bytes of a rendered world, of a masked object, and of what a training reads of it.

Stores of generated data are keyed by a config and a format number, not by source code. Where a test here fails because
the generator was meant to change, raise the FORMAT that it names, so that no run reads data of the old generator, and
write the new digests down. Digests hold on x86-64 with the pinned version of torch. Processors with AVX-512 have one
set, whatever vector unit torch is told to use (checked with AVX-512, AVX2 and none). Those without have another, taken
on an AMD EPYC with AVX2. Other machines may differ again, so that a few exact numbers are compared there.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from scenes.clip import Clip
from scenes.storage import shards
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.masked_objects import FORMAT as OBJECT_FORMAT
from scenes.worlds.masked_objects import MaskedObjectConfig, MaskedObjectStore, draw_masked_objects
from scenes.worlds.store import FORMAT as WORLD_FORMAT
from training.lifting.data import MaskedObjects, stacked

on_x86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="digests hold on x86-64 alone")
CPU = Path("/proc/cpuinfo")
HAS_AVX512 = not CPU.exists() or "avx512f" in CPU.read_text()  # elsewhere than on Linux: as the first digests
MOVING = WorldConfig(height=48, width=48, frames=3, motion=True)
HIDDEN = MaskedObjectConfig(WorldConfig(height=48, width=48, frames=1), per_world=2, resolution=16)


def digest(tensors: Mapping[str, object]) -> str:
    """Hash names, types, shapes and bytes of the tensors of a mapping."""
    found = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        if isinstance(value, Tensor):
            found.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            found.update(value.contiguous().view(torch.uint8).numpy().tobytes() if value.ndim else str(value).encode())
    return found.hexdigest()[:16]


@pytest.fixture(scope="module")
def clip() -> Clip:
    return render([make_world(0, MOVING)])[0]


@on_x86
def test_the_bytes_of_a_world_are_those_of_its_format(clip: Clip) -> None:
    clips = ("106dfd7a923628f2", "1af5a59992cc089e") if HAS_AVX512 else ("d05b6b37fd7599b5", "c4d4ece437a61402")
    assert (WORLD_FORMAT, digest(vars(clip)), digest(vars(clip.truth))) == (1, *clips)


@on_x86
def test_the_bytes_of_a_masked_object_are_those_of_its_format() -> None:
    items = ["87ffaeb1bfdb4afa", "550d252cf4fb5458"] if HAS_AVX512 else ["5f1197f1372c6c7a", "bc9c9cfca9b76c48"]
    assert (OBJECT_FORMAT, [digest(vars(item)) for item in draw_masked_objects(range(2), HIDDEN)]) == (1, items)


@on_x86
def test_a_training_reads_the_same_arrays_one_by_one_and_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARD", 2)
    items = MaskedObjects(MaskedObjectStore(HIDDEN, range(2), tmp_path))
    items.store.render(workers=1)
    read = ("71bf5500f2623ae9", "729520e7c1aad1ed") if HAS_AVX512 else ("adf4fe3ddf13cb4e", "5fa5a4299aeb21bd")
    assert (digest(items[0]), digest(stacked(items))) == read


def test_a_world_is_what_it_was_on_any_machine(clip: Clip) -> None:
    """Tolerances: a rounded number may move a silhouette by a pixel, of 2,304 in a frame."""
    assert clip.truth is not None
    assert clip.depth is not None
    assert [(o.family, o.colour, o.motion) for o in clip.truth.objects] == [
        ("tower", "white", "accelerated"),
        ("mushroom", "orange", "circular"),
        ("cabinet", "white", "straight"),
    ]
    assert torch.bincount(clip.truth.instances[0].flatten().long()).tolist() == pytest.approx(
        [1570, 30, 572, 132], abs=3
    )
    assert clip.depth[:, 24, 24].tolist() == pytest.approx([1.36671, 1.36671, 1.36671], rel=1e-4)
    assert clip.video.float().mean((0, 2, 3)).tolist() == pytest.approx([153.886, 131.747, 108.259], abs=0.05)
