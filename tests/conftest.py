"""Fixtures and markers shared by all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch starts: threads of several workers would wait for each other

import torch

pytest_plugins = [
    "tests.support.programs.command_line",
    "tests.support.distillation",
    "tests.support.lifting",
    "tests.support.map_anything",
    "tests.support.folders.vggt_checkout",
    "tests.support.sr3d",
]
REPOSITORY = Path(__file__).resolve().parents[1]
MUTATIONS = 40  # a format, in the default suite


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run tests that take over two seconds")
    parser.addoption("--slow", action="store_true", help="run tests that take minutes")
    parser.addoption("--fuzz", type=int, default=0, metavar="N", help="damage each format N times (tests/hostile)")
    parser.addoption("--faults", metavar="PAGE", help="fill the table of a page (tests/faults)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("gpu") and not torch.cuda.is_available():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
        if item.get_closest_marker("long") and not (config.getoption("--long") or config.getoption("--slow")):
            item.add_marker(pytest.mark.skip(reason="takes over two seconds: run with --long"))
        if item.get_closest_marker("slow") and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: run with --slow"))


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests read and write nothing in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGION4D_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def mutations(request: pytest.FixtureRequest) -> int:
    """How often the tests of tests/hostile damage each format."""
    return int(request.config.getoption("--fuzz")) or MUTATIONS


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real footage beside the checkout; not part of the project."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real footage (../shared/data) is not beside this checkout")
    return folder
