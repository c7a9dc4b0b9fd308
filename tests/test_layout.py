import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("models", "scenes", "training", "benchmarks", "distill", "probes", "region4d")


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_loads_from_this_checkout(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file is not None
    assert Path(file).is_relative_to(REPOSITORY)


def test_every_folder_of_code_and_tests_is_a_package() -> None:
    folders = {
        file.parent
        for top in (*PACKAGES, "tests")
        for file in (REPOSITORY / top).rglob("*.py")
        if "__pycache__" not in file.parts
    }
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []
