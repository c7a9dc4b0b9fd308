"""The examples run to their end, as a reader runs them, and print what their text announces."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.support.programs.documents import ROOT

EXAMPLES = ROOT / "docs" / "examples"
PRINTED = {
    "compare_3d_and_4d": r'Arms 4d, 3d.*"task": "worlds4d".*"arm": "4d"',
    "distil_and_export": r"student [\d,]+ parameters.*ObjectTruth\(family=.*\d",
    "probe_your_video_model": r"trained: point error \d\.\d+.*random: .*pixels: point error \d\.\d+",
    "study_from_two_record_files": r"\| distance \|.*3d - 2d: [+-]0\.\d+ \[",
}


def test_every_example_is_run() -> None:
    assert sorted(path.stem for path in EXAMPLES.glob("*.py")) == sorted(PRINTED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder for all examples: worlds that two of them train on are rendered once."""
    return tmp_path_factory.mktemp("examples")


@pytest.mark.long
@pytest.mark.parametrize("name", PRINTED)
def test_an_example_runs(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # of the commands that it starts
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert re.search(PRINTED[name], capfd.readouterr().out, re.DOTALL)


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_is_short_and_names_its_command(name: str) -> None:
    text = (EXAMPLES / f"{name}.py").read_text()
    assert f"`python docs/examples/{name}.py`" in text.replace("\n# ", " ")
    assert len(text.splitlines()) <= 75
