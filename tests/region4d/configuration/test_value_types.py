"""Values of a configuration that have another type than what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.programs.command_line import Run, assert_one_line


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("batch_size=x", "batch_size needs an integer, got x"),
        ("task.seeds=3", "task.seeds needs a list of integers, got 3"),
        ("task.seeds=[a,2]", "task.seeds needs a list of integers, got ['a', 2]"),
        ("label=3", "label needs text (a number in quotes, '\"3\"') or null, got 3"),
        ("task.world.height=nan", "task.world.height needs an integer, got nan"),
        ("task.world.height=" + "9" * 30, "task.world.height needs an integer"),
        ("limit=1.5", "limit needs an integer or null, got 1.5"),
        ("shard.index=true", "shard.index needs an integer, got True"),
    ],
)
def test_the_key_the_value_and_the_type_that_it_needs_are_named(
    region4d: Run, tmp_path: Path, word: str, said: str
) -> None:
    words = ("bench", "model=constant:A", "task=worlds_static", f"task.stores={tmp_path}", f"output={tmp_path / 'out'}")
    assert_one_line(region4d(*words, word), said)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("word", ["task.folder=2024", "task.frames=x", "task.frames=[1]"])
def test_what_a_constructor_hands_on_is_checked_too(region4d: Run, tmp_path: Path, word: str) -> None:
    words = (
        "bench",
        "model=constant:A",
        "task=published/vsi_bench",
        f"task.folder={tmp_path}",
        f"output={tmp_path / 'o'}",
    )
    assert_one_line(region4d(*words, word), word.partition("=")[0], "needs")
