"""Destinations are refused before the work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scenes.storage.destinations import check_file, check_folder, refuse_existing, refuse_unwritable


def test_what_exists_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("run", "link"):
        with pytest.raises(FileExistsError, match=f"{name} exists: choose another name or remove it"):
            refuse_existing(tmp_path / name)
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
    with pytest.raises(PermissionError, match="no permission to write in"):
        check_folder(tmp_path / "new")


def test_a_file_may_be_written_anew_but_not_over_a_folder_or_under_another_suffix(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}")
    check_file(tmp_path / "old.json", (".json",))
    check_file(tmp_path / "new" / "a.json")
    check_file(Path("/dev/null"))
    with pytest.raises(IsADirectoryError, match="is a folder, where a file is to be written"):
        check_file(tmp_path)
    with pytest.raises(ValueError, match=r"must end in \.html or \.htm"):
        check_file(tmp_path / "a.txt", (".html", ".htm"))
    with pytest.raises(NotADirectoryError, match=r"old\.json is not a folder"):
        check_file(tmp_path / "old.json" / "a.json")


def test_a_folder_may_exist_and_is_no_file(tmp_path: Path) -> None:
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "deep")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "old").touch()
    with pytest.raises(NotADirectoryError, match="old is a file, where a folder is to be written"):
        check_folder(tmp_path / "old")
