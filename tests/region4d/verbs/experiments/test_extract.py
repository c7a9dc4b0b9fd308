"""`region4d extract` in several processes."""

from __future__ import annotations

import pytest

from region4d.configuration.compose import compose_config
from region4d.verbs.experiments import extract
from scenes.worlds.store import WorldStore


def test_worlds_are_rendered_before_the_processes_start(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def work(*_: object, **__: object) -> list[int]:
        order.append("work")
        return [7, 7]

    monkeypatch.setattr(WorldStore, "render", lambda store: order.append("render"))
    monkeypatch.setattr(extract, "work_together", work)
    config = compose_config("extract", ["extractor=pixels", "workers=2"])
    assert extract.extract_together(config, [], 2) == 7
    assert order == ["render"] * 3 + ["work"]  # a store each of training, validation and test
