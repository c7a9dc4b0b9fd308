import pytest

from models.sr3d.inputs.mentions import mentioned, renumber


def test_mentions_come_in_their_order_with_repetitions() -> None:
    assert mentioned("Is <region12> left of <region0>, or <region12> of it?") == [12, 0, 12]
    assert mentioned("No <region> or region 3 or <regionx>?") == []


def test_mentions_take_the_numbers_of_their_regions() -> None:
    text = "<region1> or <region0> , <region1> ?"
    assert renumber(text, [7, 0]) == "<region0> or <region7> , <region0> ?"
    assert renumber("nothing", []) == "nothing"


def test_a_mention_without_a_region_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mentions <region2>, but 2 regions were given \(from 0\)"):
        renumber("<region0> <region2>", [4, 5])
