from collections.abc import Iterator

import pytest

from scenes.storage import shards


@pytest.fixture(autouse=True, scope="package")
def small_shards() -> Iterator[None]:
    """Render a file of 16 worlds where tests need ten, not one of 128."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "SHARD", 16)
        yield
