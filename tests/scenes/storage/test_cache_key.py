"""A key changes with everything that determines the bytes, and with nothing else."""

import pytest

from scenes.storage.cache_key import cache_key


def test_equal_parts_have_equal_keys_whatever_the_order_of_a_mapping() -> None:
    assert cache_key("worlds", 1, {"a": 1, "b": [2, 3]}) == cache_key("worlds", 1, {"b": (2, 3), "a": 1})


@pytest.mark.parametrize(
    ("kind", "format_number", "parts"),
    [("objects", 1, ["a", 2]), ("worlds", 2, ["a", 2]), ("worlds", 1, ["a", 3]), ("worlds", 1, ["a"])],
)
def test_another_kind_format_or_part_has_another_key(kind: str, format_number: int, parts: list[object]) -> None:
    assert cache_key(kind, format_number, *parts) != cache_key("worlds", 1, "a", 2)


def test_a_key_is_the_same_in_every_process_and_version() -> None:
    assert cache_key("worlds", 1, "a", 2) == "fafe299a3a2d3248"
