"""Files and folders are there whole, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scenes.storage.atomic import new_file, new_folder, refuse_existing, refuse_unwritable, write_text


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


def test_a_folder_takes_its_name_once_it_is_whole_and_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run"
    with new_folder(path) as draft:
        (draft / "a").touch()
        assert not path.exists()
    assert listing(path) == ["a"]
    assert path.stat().st_mode & 0o777 == 0o755
    assert listing(path.parent) == ["run"]


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
    with pytest.raises(FileExistsError, match="run exists"):
        refuse_existing(tmp_path / "run")
    refuse_existing(tmp_path / "other")


def test_a_file_that_could_not_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    refuse_unwritable(tmp_path / "new" / "deep" / "card.html")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").write_text("kept")
    with pytest.raises(FileExistsError, match="old exists"):
        refuse_unwritable(tmp_path / "old")
    with pytest.raises(NotADirectoryError, match="old is not a folder"):
        refuse_unwritable(tmp_path / "old" / "card.html")


def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may write anywhere
    with pytest.raises(PermissionError, match="no permission to write in"):
        refuse_unwritable(tmp_path / "new" / "card.html")
