"""The command itself: help, version, completion, and one line for a wrong flag."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup
from typer.main import get_command

from region4d.cli import VERBS, build_app
from tests.support.programs.command_line import Run, assert_one_line


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


@pytest.mark.parametrize("verb", VERBS)
def test_every_help_has_an_example(verb: str) -> None:
    app = get_command(build_app(verb))
    command = app.commands[verb]
    for each in command.commands.values() if isinstance(command, TyperGroup) else [command]:
        assert "Example: region4d " in " ".join((each.help or "").split()), f"{verb} {each.name}"


def test_results_can_be_piped_progress_is_on_standard_error(region4d: Run, tmp_path: Path) -> None:
    code, out, err = region4d("worlds", "--count", "1", "--export", "--output", str(tmp_path / "rooms"))
    assert code == 0
    assert out == f"1 RGB-D folders in {tmp_path / 'rooms'}\n"
    assert "rendering" in err


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
def test_a_wrong_flag_is_one_line(
    region4d: Run, words: list[str], parts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.png").touch()
    assert_one_line(region4d(*words), *parts)


def test_a_shell_completes_the_flags_of_the_verb_that_is_typed(region4d: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "region4d ask --reg")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("_REGION4D_COMPLETE", "complete_bash")
    _, out, _ = region4d()
    assert out.split() == ["--region"]


def test_a_closed_standard_output_is_refused_before_work_starts() -> None:
    closed = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m region4d --version >&-"], capture_output=True, text=True, check=False
    )
    assert (closed.returncode, closed.stderr.splitlines()) == (
        2,
        ["region4d: standard output is closed; send it to a file, or to /dev/null"],
    )


def test_the_same_export_twice_is_there_already_and_another_one_is_refused(region4d: Run, tmp_path: Path) -> None:
    words = ["worlds", "--export", "--seed", "3", "--count", "1", "--height", "32", "--width", "48"]
    for _ in range(2):
        assert region4d(*words, "--frames", "2", "--output", str(tmp_path / "rooms"))[0] == 0
    code, _, err = region4d(*words, "--frames", "3", "--output", str(tmp_path / "rooms"))
    assert code == 2
    assert "world-3 exists: choose another name" in err


def test_the_end_of_the_input_at_a_question_is_one_line(
    region4d: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ask(*_: object) -> None:
        raise typer.Abort

    monkeypatch.setattr("region4d.verbs.experiments.train.run", ask)
    assert_one_line(region4d("train", "experiment=sr3d/tiny_static", "arm=2d", f"output={tmp_path}"), "no answer")


def test_the_death_of_a_worker_is_one_line_also_where_it_strikes_while_a_checkpoint_is_written(
    region4d: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    error = RuntimeError("unexpected pos 64 vs 0")
    error.__context__ = RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed.")

    def die(*_: object) -> None:
        raise error

    monkeypatch.setattr("region4d.verbs.experiments.train.run", die)
    run = region4d("train", "experiment=sr3d/tiny_static", "arm=2d", f"output={tmp_path}")
    assert_one_line(run, "a worker process was killed", "the same command continues")
