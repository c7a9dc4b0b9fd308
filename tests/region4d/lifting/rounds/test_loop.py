"""Candidates are drawn while a person looks at those before, in order, and no longer than somebody waits for them."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import typer

from region4d.lifting.rounds.loop import Counted, drawn_ahead, naming
from region4d.lifting.rounds.pictures import MarkedObject

OBJECTS = [MarkedObject(f"photo/{name}", Path("photo.png"), Path(f"{name}.png")) for name in "abc"]


def test_the_next_object_is_drawn_while_one_is_looked_at_and_no_further() -> None:
    begun = {obj.name: threading.Event() for obj in OBJECTS}

    def draw_one(obj: MarkedObject, counted: Counted) -> Any:
        counted(1, 1)
        begun[obj.name].set()
        return obj.mask

    drawn = drawn_ahead(OBJECTS, draw_one)
    assert next(drawn) == (OBJECTS[0], OBJECTS[0].mask)
    assert begun["photo/b"].wait(10)
    assert not begun["photo/c"].is_set()
    assert [obj.name for obj, _ in drawn] == ["photo/b", "photo/c"]


def test_drawing_ends_where_nobody_waits() -> None:
    begun, ended = threading.Event(), threading.Event()

    def draw_one(obj: MarkedObject, counted: Counted) -> Any:
        if obj is OBJECTS[1]:
            begun.set()
            try:
                while True:
                    counted(1, 2)
            finally:
                ended.set()

    drawn = drawn_ahead(OBJECTS, draw_one)
    next(drawn)
    assert begun.wait(10)
    drawn.close()  # waits for the thread
    assert ended.is_set()


def test_an_error_comes_when_its_object_is_reached() -> None:
    def draw_one(obj: MarkedObject, counted: Counted) -> Any:
        with naming(obj):
            if obj is OBJECTS[1]:
                raise ValueError("no surface")

    drawn = drawn_ahead(OBJECTS, draw_one)
    assert next(drawn)[0] is OBJECTS[0]
    with pytest.raises(ValueError, match="photo/b: no surface"):
        next(drawn)


def test_the_end_of_the_answers_names_the_object() -> None:
    with (
        pytest.raises(ValueError, match="no answer was given for photo/a; the same command continues there"),
        naming(OBJECTS[0]),
    ):
        raise typer.Abort
