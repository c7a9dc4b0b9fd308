"""Only what lies inside the folders of the server can be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from region4d.app.folders import allowed_path, listed_footage


@pytest.mark.parametrize("text", ["../secret.png", "world-2/../../secret.png", "/etc/passwd", "..", "", " "])
def test_a_path_outside_of_the_folders_is_refused(rooms: Path, text: str) -> None:
    with pytest.raises(ValueError, match="is not inside the folders of this server"):
        allowed_path(text, [rooms])


def test_a_path_outside_is_refused_in_the_same_words_whether_it_exists_or_not(rooms: Path) -> None:
    said = []
    for name in ("../secret.png", "../nothing.png"):
        with pytest.raises(ValueError) as error:
            allowed_path(name, [rooms])
        said.append(str(error.value).replace(name, ""))
    assert said[0] == said[1]


def test_a_link_that_leaves_the_folder_is_refused(rooms: Path, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(rooms.parent / "secret.png")
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "0.png").symlink_to(rooms.parent / "secret.png")
    with pytest.raises(ValueError, match="is not inside the folders"):
        allowed_path("link.png", [tmp_path])
    with pytest.raises(ValueError, match=r"has a link that leaves .* 0\.png"):
        allowed_path("frames", [tmp_path])


def test_a_link_within_the_folders_is_followed(rooms: Path, tmp_path: Path) -> None:
    (tmp_path / "again.png").symlink_to(rooms / "red.png")
    assert allowed_path("again.png", [tmp_path, rooms]) == (rooms / "red.png").resolve()


def test_a_server_without_folders_opens_none() -> None:
    with pytest.raises(ValueError, match="start it with --folder"):
        allowed_path("red.png", [])


def test_the_list_holds_footage_and_each_of_its_names_can_be_opened(rooms: Path) -> None:
    names = listed_footage([rooms])
    assert names == ["red.png", "world-2"]
    assert all(allowed_path(name, [rooms]).exists() for name in names)
