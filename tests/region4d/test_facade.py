import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import region4d as facade
from tests.conftest import REPOSITORY
from tests.support.command_line import Run

ROOM = ("--export", "--seed", "6", "--count", "1", "--frames", "4", "--output", "outputs/rooms")


def python(code: str) -> list[str]:
    """Run code in a Python of its own; return the lines that it prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HF_HUB_OFFLINE": "1"}
    settings = {"cwd": REPOSITORY, "env": environment, "stdin": subprocess.DEVNULL}
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout).splitlines()


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


KNOWN = """
        from transformers import AutoModelForImageTextToText  # before AutoProcessor, which imports all of SR-3D
        print(type(AutoModelForImageTextToText.from_pretrained(folder)).__name__)
        from transformers import AutoProcessor
        print(type(AutoProcessor.from_pretrained(folder)).__name__)
"""


def test_the_import_loads_no_torch_and_the_auto_classes_imported_after_it_know_sr3d() -> None:
    code = """
        import region4d, sys
        print({"torch", "transformers", "numpy"} & set(sys.modules))
        import models.encoders  # stands below SR-3D's model, so it must not bring that in while it is imported itself
        folder = "checkpoints/sr3d_tiny_3d"
    """
    assert python(code.rstrip() + KNOWN) == ["set()", "SR3DForConditionalGeneration", "SR3DProcessor"]


def test_auto_classes_refuse_a_checkpoint_before_the_import_and_know_it_after() -> None:
    code = """
        from transformers import AutoModelForImageTextToText, AutoProcessor
        folder = "checkpoints/sr3d_tiny_3d"
        for auto in AutoProcessor, AutoModelForImageTextToText:
            try:
                print(type(auto.from_pretrained(folder)))
            except ValueError:
                print("\\nrefused")  # behind the question whether to trust the code of the folder
        import region4d
    """
    lines = [line for line in python(code.rstrip() + KNOWN) if line == "refused" or line.startswith("SR3D")]
    assert lines == ["refused", "refused", "SR3DForConditionalGeneration", "SR3DProcessor"]


def test_a_model_answers_about_regions_boxes_and_paths_alike(with_room: Path) -> None:
    model = facade.load("sr3d_tiny_3d", device="cpu")
    path = with_room / "outputs/rooms/world-6"
    clip = facade.open_clip(path, 4)
    boxes = [(41, 33, 69, 85), (131, 92, 170, 164)]
    regions = [facade.Region.from_box(box, *clip.size) for box in boxes]
    question = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"
    assert {model.ask(path, question, boxes), model.ask(clip, question, regions)} == {"B"}


@pytest.mark.parametrize(
    ("question", "boxes", "message"),
    [
        ("How far is <region0> from <region1> at the start?", [(0, 0, 9, 9)], "<region1>"),
        ("Is <region0> flibbertigibbet?", [(0, 0, 9, 9)], "flibbertigibbet"),
        ("What colour is <region0>?", [(0, 0, 9)], "four numbers"),
    ],
)
def test_a_question_that_does_not_fit_is_refused(
    with_room: Path, question: str, boxes: list[tuple[float, ...]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        facade.load(device="cpu").ask(with_room / "outputs/rooms/world-6", question, boxes)
