"""The command itself: help, version, completion, and one line for a wrong flag."""

from __future__ import annotations

import re

import pytest

from tests.support.command_line import Run, assert_one_line


@pytest.mark.parametrize("verb", ["ask", "lift"])
@pytest.mark.parametrize("columns", ["80", "120"])
def test_help_shows_the_grammar_of_regions(
    region4d: Run, monkeypatch: pytest.MonkeyPatch, verb: str, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    code, out, _ = region4d(verb, "--help")
    assert code == 0
    for form in ("[K:]x0,y0,x1,y1[@frame]", "[K:]x,y[,radius][@frame]", "[K:]FILE[#LABEL][@frame]"):
        assert form in out


def test_the_version_is_printed(region4d: Run) -> None:
    code, out, _ = region4d("--version")
    assert code == 0
    assert re.fullmatch(r"region4d \d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["ask"], ["INPUT", "region4d ask --help"]),
        (["ask", "a.png", "?", "--frames", "0"], ["--frames", "greater than or equal to 1", "region4d ask --help"]),
        (["ask", "a.png", "?", "--frames", "2", "--frame", "1"], ["--frames and --frame exclude"]),
        (["ask", "a.png", "?", "--no-depth", "--fov", "60"], ["--fov", "leave them out"]),
        (["lift", "a.png", "--box", "1,2,3,4"], ["--box", "region4d lift --help"]),
        (["worlds", "--device", "toaster"], ["unknown device 'toaster'", "cpu, cuda or cuda:N"]),
        (["speed", "sound"], ["sound", "region4d speed --help"]),
        (["speed", "regions", "--repeats", "none"], ["--repeats", "integer"]),
        (["asc"], ["asc", "region4d --help"]),
    ],
)
def test_a_wrong_flag_is_one_line(region4d: Run, words: list[str], parts: list[str]) -> None:
    assert_one_line(region4d(*words), *parts)


def test_a_shell_completes_the_flags_of_the_verb_that_is_typed(region4d: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "region4d ask --reg")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("_REGION4D_COMPLETE", "complete_bash")
    _, out, _ = region4d()
    assert out.split() == ["--region"]
