"""`region4d prefer` from end to end: rounds of choosing and training, stops, and refusals in one line."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

from models.lifting.human_choices import find_choices
from region4d.configuration.compose import compose_config, override
from tests.support.lifting import SeenObject
from tests.support.pictures import write_pictures
from tests.support.programs.command_line import Run, assert_one_line

Prefer = Callable[..., tuple[int, str, str]]
QUICK = ("trainer.max_steps=1", "data.batch_size=2", "trainer.enable_progress_bar=false", "trainer.accelerator=cpu")


@pytest.fixture
def folder(tmp_path: Path, seen: SeenObject) -> Path:
    return write_pictures(tmp_path / "it's 1, 2", seen)  # all of which Hydra's grammar has uses for


@pytest.fixture
def prefer(region4d: Run, folder: Path, untrained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prefer:
    """Run it with the tiny model and these answers on standard input."""

    def run(answers: str, *words: str, model: Path = untrained) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))
        given = ["--model", str(model), "--choose", "2", "--output", str(tmp_path / "it's out")]
        return region4d("prefer", str(folder), *QUICK, *given, *words)

    return run


@pytest.mark.long
def test_rounds_are_one_command_that_continues_where_it_stopped(
    prefer: Prefer, tmp_path: Path, untrained: Path
) -> None:
    first, second = (tmp_path / "it's out" / f"round-{number}" for number in (1, 2))
    models = first / "training" / "model", second / "training" / "model"
    code, _, err = prefer("1", "--rounds", "2")
    assert code == 2
    assert "no answer was given for photo/half; the same command continues there" in err
    assert [folder.name for folder, _ in find_choices(first)] == ["all"]
    code, out, err = prefer("921", "--rounds", "2")  # 9 is none of the candidates
    assert code == 2
    assert "object 2 of 2: photo/half" in out
    assert "object 1 of 2: photo/all" in out.split("round 2")[1]
    assert "no answer was given for photo/half" in err
    code, out, err = prefer("0", "--rounds", "2")
    assert code == 0, err
    assert "round 2: 1 pairs of 1 choices; 1 without a good candidate" in out
    assert "2 of 2 rounds are finished" in out
    found = {(path.parts[-4], path.name): choice for path, choice in find_choices(tmp_path / "it's out")}
    assert {key: choice.chosen for key, choice in found.items()} == {
        ("round-1", "all"): 0,
        ("round-1", "half"): 1,
        ("round-2", "all"): 2,  # other noise than that of round 1
        ("round-2", "half"): None,
    }
    assert found["round-1", "all"].model_sha256 != found["round-2", "all"].model_sha256
    before, after = (load_file(model / "model.safetensors") for model in models)
    assert any(bool((before[name] != after[name]).any()) for name in before)
    assert "model.folder='" in (models[1] / "README.md").read_text()
    again = prefer("", "--rounds", "2")
    assert again[0] == 0
    assert "object" not in again[1]


@pytest.mark.long
def test_a_round_without_a_good_candidate_ends_in_one_line(prefer: Prefer, tmp_path: Path) -> None:
    code, _, err = prefer("00")
    assert code == 2
    assert "round 1 has nothing to learn from: no candidate of 2 objects was good" in err
    assert not (tmp_path / "it's out" / "round-1" / "training").exists()


@pytest.mark.long
def test_another_model_in_a_folder_of_choices_is_refused(prefer: Prefer) -> None:
    assert prefer("1")[0] == 2
    assert_one_line(prefer("1", model=Path("lift_tiny")), "photo/all", "another model than 'lift_tiny'", "--output")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["trainer.max_stepz=1"], ["trainer.max_stepz", "trainer.max_steps"]),
        (["choices=elsewhere"], ["choices=elsewhere is set by the rounds", "--output"]),
        (["--choose", "1"], ["--choose"]),
        (["--model", "nowhere"], ["nowhere"]),
        (["--device", "toaster"], ["unknown device 'toaster'"]),
    ],
)
def test_what_cannot_run_is_refused_before_anything_is_chosen(
    prefer: Prefer, tmp_path: Path, words: list[str], said: list[str]
) -> None:
    assert_one_line(prefer("", *words), *said)
    assert not (tmp_path / "it's out").exists()


def test_a_path_is_written_as_an_override_whatever_it_contains() -> None:
    path = "it's {a}, [1] = b/1e3"
    assert compose_config("train", [override("output", path), "experiment=lifting/preference"]).output == path
