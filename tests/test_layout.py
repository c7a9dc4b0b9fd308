import importlib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("models", "scenes", "benchmarks", "distill", "probes", "region4d")


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


def test_the_shipped_checkpoints_are_small_and_carded() -> None:
    for arm in ("2d", "3d"):
        folder = REPOSITORY / "models" / "sr3d" / "checkpoints" / f"tiny-{arm}"
        assert sum(file.stat().st_size for file in folder.iterdir()) < 10 * 2**20
        assert "| command | `region4d train " in (folder / "README.md").read_text()
