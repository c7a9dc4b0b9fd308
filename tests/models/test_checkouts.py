"""Packages of other repositories, imported from a checkout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.checkouts import import_package

NAME = "cloned_by_hand"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "__init__.py").write_text("VALUE = 3\n")
    yield tmp_path
    sys.modules.pop(NAME, None)


def test_a_package_is_imported_under_its_name_and_the_module_path_stays(checkout: Path) -> None:
    before = list(sys.path)
    import_package(NAME, checkout)
    assert sys.modules[NAME].VALUE == 3
    assert sys.path == before
    import_package(NAME, checkout)  # again: it is there


def test_another_package_of_that_name_is_refused(checkout: Path, tmp_path: Path) -> None:
    import_package(NAME, checkout)
    other = tmp_path / "other"
    (other / NAME).mkdir(parents=True)
    with pytest.raises(ValueError, match=f"another package {NAME} is already imported"):
        import_package(NAME, other)


def test_a_package_that_fails_is_not_left_imported(checkout: Path) -> None:
    (checkout / NAME / "__init__.py").write_text("import a_package_that_nobody_has\n")
    with pytest.raises(ImportError, match="a_package_that_nobody_has"):
        import_package(NAME, checkout)
    assert NAME not in sys.modules


def test_a_folder_without_the_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no package nothing"):
        import_package("nothing", tmp_path)
