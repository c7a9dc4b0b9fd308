"""`region4d doctor`: exit codes and the two forms of its report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from region4d.doctor import running
from region4d.doctor.running import Outcome
from tests.support.programs.command_line import Run, assert_one_line

TORCH = {"threads": 2, "gpus": [], "mps": False}


def give_outcomes(monkeypatch: pytest.MonkeyPatch, broken: str | None) -> None:
    """Replace the trials, which take a minute, by their outcomes."""

    def outcomes(names: Sequence[str], limit: float) -> Iterator[tuple[str, Outcome]]:
        for name in names:
            yield name, Outcome(name != broken, "as told", TORCH if name == "torch" else {})

    monkeypatch.setattr(running, "run_trials", outcomes)


@pytest.mark.parametrize(("broken", "code"), [(None, 0), ("heic", 1), ("video", 1)])
def test_what_is_installed_and_broken_is_exit_code_1(
    region4d: Run, monkeypatch: pytest.MonkeyPatch, broken: str | None, code: int
) -> None:
    pytest.importorskip("pillow_heif")
    give_outcomes(monkeypatch, broken)
    ended, out, err = region4d("doctor", "--json")
    report = json.loads(out)
    assert (ended, report["works"]) == (code, code == 0)
    assert [line for line in report["advice"] if "broken" in line] == [
        line for line in report["advice"] if broken and line.startswith(broken)
    ]
    assert report["base"]["checkpoint lift_tiny"]["state"] == "works"
    assert "video" in err


def test_a_wrong_flag_is_one_line(region4d: Run) -> None:
    assert_one_line(region4d("doctor", "--seconds", "0"), "--seconds", "region4d doctor --help")
    assert_one_line(region4d("doctor", "ward"), "ward")


@pytest.mark.slow
def test_all_parts_of_this_environment_work(region4d: Run) -> None:
    code, out, _ = region4d("doctor")
    assert code == 0, out
    assert "advice" in out
