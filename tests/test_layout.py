"""The tree: every folder is a package, and nothing large lies in it by accident."""

import importlib
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGES = ("models", "scenes", "training", "benchmarks", "distill", "probes", "region4d")
LARGEST_FILE = 500_000  # bytes, outside of checkpoints/ and of the records of studies
LARGEST_ARCHIVES = 6_000_000  # bytes, of all answers that reports stand on: half a million answers take 3 MB
LARGEST_TREE = 55_000_000  # bytes, of all tracked files: 42 of checkpoints, 6 of answers, 7 of code and documents
LARGEST_CHECKPOINTS = 42_000_000  # bytes


@pytest.fixture(scope="module")
def tracked() -> dict[str, int]:
    """The files that git tracks, with their size in bytes."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("sizes are those of the files that git tracks, and this is no clone")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    paths = {name: REPOSITORY / name for name in listing.split("\0") if name}
    return {name: path.stat().st_size for name, path in paths.items() if path.is_file()}


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


def test_only_checkpoints_and_the_records_of_studies_are_large(tracked: dict[str, int]) -> None:
    outside = {name: size for name, size in tracked.items() if not name.startswith("checkpoints/")}
    archives = {name: size for name, size in outside.items() if name.endswith("/records.jsonl.xz")}
    large = {name: size for name, size in outside.items() if size > LARGEST_FILE and name not in archives}
    assert large == {}, "leave out what a command can build again, or compress it"
    assert all(name.startswith("results/") for name in archives)
    assert sum(archives.values()) <= LARGEST_ARCHIVES


def test_the_tree_stays_small(tracked: dict[str, int]) -> None:
    assert sum(tracked.values()) <= LARGEST_TREE


def test_a_weight_changes_with_a_release_and_not_with_a_training(tracked: dict[str, int]) -> None:
    assert sum(size for name, size in tracked.items() if name.startswith("checkpoints/")) <= LARGEST_CHECKPOINTS
