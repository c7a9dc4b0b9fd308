"""transformers' Auto classes know SR-3D after `import region4d`, which imports no torch."""

import os
import subprocess
import sys
import textwrap
from importlib.machinery import PathFinder

import pytest
from transformers.models import auto

from region4d.auto_classes import REGISTERS, AutoClassFinder, ThenRegister, register_auto_classes
from tests.conftest import REPOSITORY


def python(code: str) -> list[str]:
    """Run code in a Python of its own; return the lines that it prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HF_HUB_OFFLINE": "1"}
    settings = {"cwd": REPOSITORY, "env": environment, "stdin": subprocess.DEVNULL}
    done = subprocess.run(command, capture_output=True, text=True, check=False, **settings)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr
    return str(done.stdout).splitlines()


KNOWN = """
        from transformers import AutoModelForImageTextToText  # before AutoProcessor, which imports all of SR-3D
        print(type(AutoModelForImageTextToText.from_pretrained(folder)).__name__)
        from transformers import AutoProcessor
        print(type(AutoProcessor.from_pretrained(folder)).__name__)
"""


@pytest.mark.long
def test_the_import_loads_no_torch_and_the_auto_classes_imported_after_it_know_sr3d() -> None:
    code = """
        import region4d, sys
        print({"torch", "transformers", "numpy"} & set(sys.modules))
        import models.encoders  # stands below SR-3D's model, so it must not bring that in while it is imported itself
        folder = "checkpoints/sr3d_tiny_3d"
    """
    assert python(code.rstrip() + KNOWN) == ["set()", "SR3DForConditionalGeneration", "SR3DProcessor"]


@pytest.mark.long
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


def test_only_the_modules_of_the_auto_classes_are_executed_otherwise() -> None:
    finder = AutoClassFinder()
    assert finder.find_spec("json", None) is None
    assert finder.find_spec("transformers.models.auto.modeling_auto", None) is None
    for name, register in REGISTERS.items():
        spec, own = finder.find_spec(name, auto.__path__), PathFinder.find_spec(name, auto.__path__)
        assert spec is not None
        assert own is not None
        assert isinstance(spec.loader, ThenRegister)
        assert (spec.loader.register, spec.origin) == (register, own.origin)


def test_registering_twice_adds_one_finder() -> None:
    register_auto_classes()
    register_auto_classes()
    assert sum(isinstance(finder, AutoClassFinder) for finder in sys.meta_path) == 1
