"""Mentions of regions: what is written is read again, and questions that do not fit the regions are refused."""

import pytest

from models.sr3d.text.mentions import check_all_mentioned, mention, mentioned, renumber, replace_mentions

QUESTION = "Is <region1> nearer to <region0> than <region1>?"


def test_mentions_are_read_in_order_with_repetitions() -> None:
    assert mentioned(QUESTION) == [1, 0, 1]
    assert mentioned("How far is <region> from <region12>?") == [12]
    assert mentioned(mention(7)) == [7]


def test_a_mention_beyond_the_given_regions_is_refused() -> None:
    assert mentioned(QUESTION, 2) == [1, 0, 1]
    for read in (lambda: mentioned(QUESTION, 1), lambda: renumber(QUESTION, [4])):
        with pytest.raises(ValueError, match="mentions <region1>, but 1 regions were given"):
            read()


def test_renumbering_takes_every_number_once() -> None:
    assert renumber(QUESTION, (1, 0)) == "Is <region0> nearer to <region1> than <region0>?"


def test_mentions_are_replaced_by_one_text() -> None:
    assert replace_mentions(QUESTION, "it") == "Is it nearer to it than it?"


def test_a_region_that_no_question_mentions_is_named() -> None:
    check_all_mentioned(["<region0>?", "<region2> or <region1>?"], 3)
    with pytest.raises(ValueError, match="no question mentions <region1>, <region3>: mention every region"):
        check_all_mentioned(["<region0>?", "<region2>?"], 4)
