"""`region4d ask --chat`: several questions about a clip that is read once."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from models.sr3d.model import SR3DForConditionalGeneration
from tests.support.programs.command_line import Run, assert_one_line

NEARER = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"
FAR = "How far is <region0> from <region1> at the start?"
BOXES = ("--region", "0:41,33,69,85", "--region", "1:131,92,170,164")


@pytest.fixture
def world(tmp_path: Path, region4d: Run) -> str:
    words = ("--export", "--seed", "6", "--count", "1", "--frames", "4")
    code, _, err = region4d("worlds", *words, "--output", str(tmp_path / "rooms"))
    assert code == 0, err
    return str(tmp_path / "rooms" / "world-6")


def test_questions_of_the_input_are_answered_and_the_clip_is_read_once(
    world: str, region4d: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    encode = SR3DForConditionalGeneration.encode_tiles
    monkeypatch.setattr(SR3DForConditionalGeneration, "encode_tiles", lambda *args: looks.append(1) or encode(*args))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{FAR}\nHow far is <region2>?\nWhere is my sofa?\n\n{FAR}\n"))
    picture = ("--picture", str(tmp_path / "ask.png"))
    code, out, err = region4d("ask", world, *BOXES, "--chat", "--json", NEARER, *picture)
    assert code == 0, err
    answers = [json.loads(line)["answer"] for line in out.splitlines()]
    assert answers == ["B", "2.4 m", "2.4 m"]
    assert "mentions <region2>, which was not given" in err
    assert "does not know" in err
    assert len(looks) == 1


def test_without_a_question_there_must_be_a_chat(world: str, region4d: Run) -> None:
    assert_one_line(region4d("ask", world), "give a QUESTION, or --chat")
