"""`region4d study`: it lists studies, and a wrong name is one line."""

import pytest

from region4d.verbs.experiments import study
from region4d.verbs.experiments.study import study_names
from tests.support.programs.command_line import Run, assert_one_line


def test_without_a_name_all_studies_are_listed_with_their_titles(region4d: Run) -> None:
    code, out, _ = region4d("study")
    assert code == 0
    assert all(name in out for name in study_names())
    assert "3D against 4D region reasoning" in out


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("compare/quik", "no study 'compare/quik'; did you mean compare/quick or"),
        ("standard", "did you mean compare/standard or lift/standard or probe/standard?"),
        ("xyzzy", "choose one of compare/fixed_interval, "),
    ],
)
def test_a_wrong_name_is_one_line_with_near_matches(region4d: Run, name: str, message: str) -> None:
    assert_one_line(region4d("study", name), message)


def test_a_wrong_key_names_the_study(region4d: Run) -> None:
    assert_one_line(region4d("study", "lift/quick", "study.baselinse=[]"), "`region4d study lift/NAME`", "baselines")


def test_only_probes_are_shown_in_a_browser(region4d: Run) -> None:
    assert_one_line(region4d("study", "compare/quick", "+view=8080"), "nothing to show in a browser")


@pytest.mark.parametrize("words", [["compare", "study=static", "run=x"], ["study", "compare/static", "run=x"]])
def test_a_short_name_takes_the_same_overrides(
    words: list[str], monkeypatch: pytest.MonkeyPatch, region4d: Run
) -> None:
    seen: list[object] = []
    monkeypatch.setattr(study, "run_study", lambda kind, flags, overrides, command: seen.append((kind, overrides)))
    assert region4d(*words)[0] == 0
    assert seen == [("compare", ["study=compare/static", "run=x"])]
