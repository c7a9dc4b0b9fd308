from pathlib import Path

import pytest

import region4d as facade
from tests.support.programs.command_line import Run

ROOM = ("--export", "--seed", "6", "--count", "1", "--frames", "4", "--output", "outputs/rooms")


@pytest.fixture
def with_room(region4d: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the exported room that the examples ask about."""
    monkeypatch.chdir(tmp_path)
    assert region4d("worlds", *ROOM)[0] == 0
    return tmp_path


def test_the_five_lines_of_the_docstring_give_the_right_answer(
    with_room: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert facade.__doc__
    example = [line.strip() for line in facade.__doc__.splitlines() if line.startswith("    ")]
    assert len(example) == 5
    exec("\n".join(example), {})
    assert capfd.readouterr().out == "B\n"


def test_every_name_of_the_facade_is_there_and_listed() -> None:
    for name in facade.__all__:
        assert getattr(facade, name) is not None
    assert set(facade.__all__) <= set(dir(facade))


def test_a_name_that_the_facade_has_not_is_an_error_with_those_that_it_has() -> None:
    with pytest.raises(AttributeError, match="open_clip"):
        facade.open_movie  # noqa: B018
