"""Worlds that several test files look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from scenes.worlds import World, WorldConfig, make_world
from scenes.worlds.rendering.render import one_thread

MOVING = WorldConfig(height=24, width=32, frames=5, motion=True)
NATURAL = replace(MOVING, sizes="natural", rescale=(1.0, 1.0))


@pytest.fixture(scope="session")
def many_worlds() -> list[World]:
    return [make_world(seed, config) for config, count in ((MOVING, 150), (NATURAL, 50)) for seed in range(count)]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Leave the other cores alone: these tensors are too small to share, and waiting for each other takes longer."""
    with one_thread():
        yield
