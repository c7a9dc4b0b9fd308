"""The models of a server."""

from __future__ import annotations

import threading

import pytest
import torch

from region4d.app.marks import mark_clip
from region4d.app.opening import open_world
from region4d.app.systems import System
from region4d.questions import untrained_notes


def test_a_model_says_what_it_was_given(systems: list[System]) -> None:
    opened = open_world(6, 4, False)
    trained = [not untrained_notes(systems[0].answerer.processor, each.text) for each in opened.questions]
    known, unknown = opened.questions[trained.index(True)], opened.questions[trained.index(False)]
    footage = mark_clip(opened, known.marks, known.text)
    three, two = (system.answer(footage, known.text) for system in systems)
    assert three.given == [
        "4 frames of 320x240 pixels over 2.40 s",
        "depth: exact, of the world (metric)",
        "camera poses: known",
    ]
    assert two.given[1] == "colours alone: this model does not read depth"
    assert three.text
    assert three.seconds > 0
    given = systems[0].answer(mark_clip(opened, unknown.marks, unknown.text), unknown.text).given
    assert given[:3] == three.given
    assert given[3].startswith("this model was not trained on this question")


def test_a_further_question_is_quicker_than_the_first(systems: list[System]) -> None:
    opened = open_world(8, 4, False)
    footage = mark_clip(opened, opened.questions[0].marks, opened.questions[0].text)
    seen = []
    answerer = systems[0].answerer
    for _ in range(2):
        systems[0].answer(footage, opened.questions[0].text)
        seen.append(answerer._last)
    assert seen[0] is seen[1]


def test_two_visitors_at_once_get_the_answers_that_each_gets_alone(systems: list[System]) -> None:
    jobs = []
    for seed in (6, 7, 8):
        opened = open_world(seed, 4, False)
        jobs += [(mark_clip(opened, known.marks, known.text), known.text) for known in opened.questions[:2]]
    alone = [systems[0].answer(*job).text for job in jobs]
    together = [""] * len(jobs)

    def ask(place: int) -> None:
        together[place] = systems[0].answer(*jobs[place]).text

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_every_example_can_be_read(systems: list[System]) -> None:
    assert len(systems[0].examples) >= 5
    assert all(system.reads(text) for system in systems for text in system.examples)
    assert not systems[0].reads("Is the quokka happy?")


def test_an_unknown_word_is_refused(systems: list[System]) -> None:
    opened = open_world(6, 1, False)
    with pytest.raises(ValueError, match="does not know 'quokka'"):
        systems[0].answer(mark_clip(opened, [], "Where is the quokka?"), "Where is the quokka?")


def test_a_model_is_loaded_in_the_type_that_is_asked_for() -> None:
    assert System.load("sr3d_tiny_3d", "cpu", "bfloat16").answerer.model.dtype == torch.bfloat16
