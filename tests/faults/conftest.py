"""One workshop for all faults; `--faults PAGE` fills its table of what was tried."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.faults.workshop import Workshop


@pytest.fixture(scope="session")
def workshop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    from tests.support.faults.workshop import Workshop, fill  # imports torch

    made = Workshop(tmp_path_factory.mktemp("faults"))
    (made.folder / "logs").mkdir()
    yield made
    if file := request.config.getoption("--faults"):
        fill(Path(file), made.tried)
