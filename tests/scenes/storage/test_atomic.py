"""Files and folders are there whole, or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors import SafetensorError

from scenes.storage.atomic import new_file, new_folder, remove_leftovers, write_text
from tests.support.drafts import dead_draft


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_after(write: Callable[[str], object], text: str) -> None:
    """Write a part, then fail."""
    write(text)
    raise IsADirectoryError("in the middle")


def test_a_file_takes_its_name_once_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    with new_file(path) as draft:
        draft.write_text("whole")
        assert draft.suffix == ".json"  # by which writers choose a format
        assert not path.exists()
    assert path.read_text() == "whole"
    assert listing(path.parent) == ["a.json"]


def test_a_file_that_fails_leaves_the_old_one_and_no_draft(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "où")
    with pytest.raises(IsADirectoryError), new_file(tmp_path / "a.txt") as draft:
        fail_after(draft.write_text, "ha")
    assert (tmp_path / "a.txt").read_bytes() == "où".encode()
    assert listing(tmp_path) == ["a.txt"]


def test_a_folder_takes_its_name_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run"
    with new_folder(path) as draft:
        (draft / "a").touch()
        assert not path.exists()
    assert listing(path) == ["a"]
    assert listing(path.parent) == ["run"]


@pytest.mark.parametrize(("umask", "folder", "file"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600)])
def test_others_may_read_what_the_umask_lets_them(tmp_path: Path, umask: int, folder: int, file: int) -> None:
    before = os.umask(umask)
    try:
        with new_folder(tmp_path / "run") as draft:
            write_text(draft / "a", "private")
    finally:
        os.umask(before)
    assert (tmp_path / "run").stat().st_mode & 0o777 == folder
    assert (tmp_path / "run" / "a").stat().st_mode & 0o777 == file


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    write_text(real, "first")
    real.chmod(0o640)
    link.symlink_to(real)
    write_text(link, "second")
    assert link.is_symlink()
    assert real.read_text() == "second"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to_and_stays_one() -> None:
    write_text("/dev/null", "gone")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(OSError, match="/dev/full cannot be written: the disk is full"):
        write_text("/dev/full", "x" * 100_000)


def test_a_full_disk_is_named_whatever_a_library_raises(tmp_path: Path) -> None:
    of_torch = RuntimeError("unexpected pos 64 vs 0")
    of_torch.__context__ = OSError(errno.ENOSPC, "No space left on device")
    of_safetensors = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
    for error in (of_torch, of_safetensors):
        with pytest.raises(OSError, match=r"a\.pt cannot be written: the disk is full"), new_file(tmp_path / "a.pt"):
            raise error
    assert listing(tmp_path) == []


def test_a_removed_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(FileNotFoundError, match="its folder was removed"), new_file(folder / "a.txt") as draft:
        fail_after(lambda text: shutil.rmtree(folder) or draft.write_text(text), "late")


def test_drafts_of_ended_processes_are_removed_and_others_stay(tmp_path: Path) -> None:
    with new_file(tmp_path / "mine.txt") as mine, new_folder(tmp_path / "run") as folder:
        mine.write_text("being written")
        (folder / "a").touch()
        dead = dead_draft(tmp_path / "mine.txt")
        dead.touch()
        shutil.copytree(folder, dead_draft(tmp_path / "run"))
        other = mine.with_name(re.sub("draft-........", "draft-00000000", dead.name))  # of another machine
        other.touch()
        (tmp_path / ".own.txt").touch()
        assert len(listing(tmp_path)) == 6
        remove_leftovers(tmp_path)
        assert listing(tmp_path) == sorted([mine.name, folder.name, other.name, ".own.txt"])
    remove_leftovers(tmp_path / "none")


def test_a_folder_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), new_folder(tmp_path / "run") as draft:
        fail_after((draft / "a").write_text, "ha")
    assert listing(tmp_path) == []


def test_what_exists_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with (
        pytest.raises(FileExistsError, match="run exists: choose another name or remove it"),
        new_folder(tmp_path / "run"),
    ):
        pytest.fail("nothing is written")
