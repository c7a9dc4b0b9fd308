"""What the front page says of its first answers is true of the world that they are about."""

import re

import numpy as np
import pytest

from scenes.questions.facts import Facts
from scenes.worlds import WorldConfig, make_world, render
from tests.support.programs.documents import README


def test_the_exact_answers_of_the_readme_are_those_of_the_world() -> None:
    (clip,) = render([make_world(6, WorldConfig(height=192, width=256, frames=4, motion=False))], "cpu", signals=())
    facts = Facts.of(clip)
    snowman, rocket = facts.families.index("snowman"), facts.families.index("rocket")
    said = re.search(r"exact answers are (?P<nearer>[AB]) and (?P<metres>[\d.]+) m", README.read_text())
    assert said is not None
    nearer = "A" if facts.surface[snowman, 2] < facts.surface[rocket, 2] else "B"
    assert said["nearer"] == nearer
    distance = float(np.linalg.norm(facts.centre[0, snowman] - facts.centre[0, rocket]))
    assert float(said["metres"]) == pytest.approx(distance, abs=0.005)
    answer = re.search(r"^(?P<metres>[\d.]+) m$", README.read_text(), re.MULTILINE)
    assert answer is not None
    assert max(float(answer["metres"]) / distance, distance / float(answer["metres"])) < 1.25
