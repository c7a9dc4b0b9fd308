"""Full disks, folders that may not be written, and folders that go in the middle."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.faults.workshop import Workshop, leftovers

NOBODY = 65534
FULL = [("train", 0.3), ("train", 0.8), ("extract", 0.5), ("bench", 0.5), ("bench", 0.95)]
FULL += [("worlds", 0.5), ("compare", 0.7)]
LONG = ("worlds", "train", "extract", "bench")
Resize = Callable[[int], None]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, Resize]]:
    """A file system of its own, and what changes its size (bytes)."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs a small disk: mount a tmpfs, as root")

    def resize(size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)

    yield folder, resize
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize(
    ("name", "share"), [("prepare", 0.6), *(pytest.param(*case, marks=pytest.mark.slow) for case in FULL)]
)
def test_a_full_disk_is_one_line_and_with_room_the_command_continues(
    name: str, share: float, workshop: Workshop, small_disk: tuple[Path, Resize]
) -> None:
    disk, resize = small_disk
    workshop.undisturbed(name)
    whole = workshop.folder / "whole" / name.replace(" ", "_")
    needed = sum(-(-path.stat().st_size // 4096) * 4096 for path in whole.rglob("*") if path.is_file())
    resize(int(share * needed))
    ended = workshop.start(name, disk / "run").wait()
    assert ended.code == 2, ended.said
    assert "the disk is full" in ended.said or "GB left" in ended.said, ended.said
    assert "Traceback" not in ended.said
    assert leftovers(disk) == []
    resize(8 * needed + 2**26)
    workshop.survived(f"a disk full at {share:.0%}", name, ended, disk / "run")


@pytest.mark.parametrize("name", ["prepare", *(pytest.param(name, marks=pytest.mark.slow) for name in LONG)])
def test_a_folder_of_another_user_is_refused_before_the_work(name: str, workshop: Workshop, tmp_path: Path) -> None:
    workshop.undisturbed(name)
    folder = tmp_path / "run"
    folder.mkdir(mode=0o555)
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    ended = workshop.start(name, folder, before=drop_override).wait()
    assert ended.code == 2, ended.said
    assert "no permission to write in" in ended.said.splitlines()[-1]
    assert "Traceback" not in ended.said
    assert list(folder.iterdir()) == []
    os.chown(folder, os.getuid(), os.getgid())
    folder.chmod(0o755)
    workshop.survived("a folder of another user", name, ended, folder)


def drop_override() -> None:
    """Give up the right of root to write into the folders of others (CAP_DAC_OVERRIDE)."""
    system = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()  # version 3: two words of each set
    assert system.capget(header, sets) == 0
    for effective_permitted in (0, 1):
        sets[effective_permitted] &= ~0b110  # DAC_OVERRIDE and DAC_READ_SEARCH
    assert system.capset(header, sets) == 0


@pytest.mark.parametrize("name", ["prepare", *(pytest.param(name, marks=pytest.mark.slow) for name in LONG)])
def test_a_folder_that_is_removed_in_the_middle_is_one_line(name: str, workshop: Workshop, tmp_path: Path) -> None:
    _, seconds = workshop.undisturbed(name)
    folder = tmp_path / "run"
    running = workshop.start(name, folder)
    time.sleep(0.4 * seconds)
    shutil.rmtree(folder.rename(tmp_path / "gone"))  # at once: `rm -r` meets what is written meanwhile
    ended = running.wait()
    assert ended.code in (0, 2), ended.said  # a folder that is made again by the next file is no error
    assert "Traceback" not in ended.said
    workshop.survived("a folder removed in the middle", name, ended, folder)
