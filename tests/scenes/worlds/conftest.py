"""Worlds that several test files look at."""

from __future__ import annotations

import pytest

from scenes.worlds import World, WorldConfig, make_world

MOVING = WorldConfig(height=24, width=32, frames=5, motion=True)


@pytest.fixture(scope="session")
def many_worlds() -> list[World]:
    return [make_world(seed, MOVING) for seed in range(200)]
