"""The `region4d` command: one verb a file, imported only when it is asked for."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from typing import Annotated

import typer
from typer.exceptions import TyperException

from region4d.configuration.folders import take_config_dirs
from region4d.ends import INTERRUPTED, TERMINATED, ended_by_sigterm
from region4d.terminal import progress_on_stderr
from region4d.threads import wait_asleep

# A verb is the function or, with commands of its own, the typer.Typer of its name in region4d/verbs/<name>.py;
# those that take Hydra overrides are in region4d/verbs/experiments/, others of FOLDERS in theirs.
VERBS = {
    "demo": "Show all four systems on procedural worlds, with shipped checkpoints.",
    "doctor": "Say what is installed, what works, and what to do about the rest.",
    "ask": "Ask about a region of a video, an image or an RGB-D folder.",
    "serve": "Serve the web app: open footage, draw regions, ask, see the points.",
    "worlds": "Preview or export procedural worlds.",
    "train": "Train what an experiment describes (Hydra overrides).",
    "extract": "Cache features of a frozen video model (Hydra overrides).",
    "probe": "Measure how much 3D frozen features hold, with controls and a report (Hydra overrides).",
    "lift": "Lift masked objects out of a picture, as meshes with their pose.",
    "prefer": "Choose among candidates of a lifting model, train it on the choices, and go on, in rounds.",
    "study": "Run a study of configs/study and write its report; without a name, list them (Hydra overrides).",
    "linear-probe": "Measure how much 3D and motion a student's visual tokens hold (Hydra overrides).",
    "records": "Compare and archive what was measured; fill the tables of the documents.",
    "bench": "Score a model on a benchmark (Hydra overrides).",
    "diff": "Compare any two runs item by item, also of lmms-eval and VLMEvalKit.",
    "regionize": "Turn questions about videos into questions about regions, with a page for review.",
    "compare": "Train matched arms, score them with paired confidence intervals, write a report (Hydra overrides).",
    "data": "Check and convert training data of your own; write benchmarks as tasks of lmms-eval.",
    "prepare": "Estimate the geometry of footage once; turn data sets (CO3D, DL3DV) into label files for probes.",
    "convert": "Make an SR-3D from a vision tower and a language model, or of an NVILA-Lite folder.",
    "parity": "Compare a checkpoint with the logits, hidden states and tokens that another stack recorded of it.",
    "speed": "Measure speed against what one would use instead.",
}
HYDRA_VERBS = {"train", "extract", "probe", "study", "linear-probe", "bench", "compare"}
FOLDERS = dict.fromkeys(("regionize", "diff"), "benchmarks.") | dict.fromkeys((*HYDRA_VERBS, "prefer"), "experiments.")
MODULES = {"compare": "study", "probe": "study"}  # of verbs without a module of their name
STOPPED = (INTERRUPTED, TERMINATED)
LOADER = "DataLoader worker"  # in what torch says of one that ended


def build_app(verb: str | None) -> typer.Typer:
    """Build the command line, importing only the verb that the command names."""
    app = typer.Typer(
        name="region4d",
        help="Ask about regions of images and videos in 3D and over time; train, compare and measure the models.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(root)
    for name, summary in VERBS.items():
        if name == verb:
            _add_verb(app, name)
        else:
            app.command(name, help=summary)(_not_imported)
    return app


def root(
    version: Annotated[bool, typer.Option("--version", help="print the version and exit")] = False,
) -> None:
    """Hold the options of the command itself; `main` answers --version before anything is parsed."""


def _not_imported() -> None:
    raise AssertionError("only the verb that the command names is imported and can run")


def _add_verb(app: typer.Typer, name: str) -> None:
    function = name.replace("-", "_")
    module = f"region4d.verbs.{FOLDERS.get(name, '')}{MODULES.get(name, function)}"
    verb = getattr(importlib.import_module(module), function)
    if isinstance(verb, typer.Typer):
        for command in verb.registered_commands:
            command.help = help_text(command.callback.__doc__ if command.callback else None)
        app.add_typer(verb, name=name, no_args_is_help=True)
        return
    settings = {"ignore_unknown_options": True} if name in HYDRA_VERBS else {}
    app.command(name, help=help_text(verb.__doc__), context_settings=settings)(verb)


def help_text(docstring: str | None) -> str:
    """Turn a docstring into the help of a command: paragraphs that wrap at any width, brackets that rich shows."""
    paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).replace("[", "\\[")


def named_verb(words: Sequence[str]) -> str | None:
    """Find the verb among the words of a command line."""
    named = [word for word in words if not word.startswith("-")]
    return named[0] if named and named[0] in VERBS else None


def _words() -> list[str]:
    """Take the words of the command line, which a shell that completes one hands over in its environment."""
    partial = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS")
    return sys.argv[1:] if partial is None else partial.split()[1:]


def main() -> None:
    """Run the command line. A wrong file, box, checkpoint, key or flag is one line, and exit code 2."""
    if sys.stdout is None:  # `>&-`: what is printed would be lost, or go to a file that is opened later
        _refuse("standard output is closed; send it to a file, or to /dev/null")
    if sys.argv[1:2] == ["--version"]:
        from importlib.metadata import version

        print(f"region4d {version('region4d')}")
        sys.exit(0)
    wait_asleep()  # before a verb imports torch
    progress_on_stderr()
    verb = named_verb(_words())
    try:
        with ended_by_sigterm():
            if verb in HYDRA_VERBS:
                sys.argv[1:] = take_config_dirs(sys.argv[1:])
            code = build_app(verb)(prog_name="region4d", standalone_mode=False)
            sys.stdout.flush()  # a full disk is an error here, and not a warning of the interpreter at its end
    except TyperException as error:  # of the flags themselves
        _refuse(error.format_message(), f" (see region4d {verb} --help)" if verb else " (see region4d --help)")
    except BrokenPipeError:  # `| head` has read enough
        _drop_output()
        code = 1
    except typer.Abort:  # a RuntimeError: the end of the input, at a question
        _refuse("no answer was given")
    except RuntimeError as error:
        if not _of_worker(error):
            raise
        _refuse("a worker process was killed, perhaps for want of memory; the same command continues")
    except (ValueError, OSError, ImportError) as error:
        if os.environ.get("REGION4D_TRACEBACK"):
            raise
        _refuse(str(error) or type(error).__name__)
    except KeyboardInterrupt:  # while the verb was imported
        code = INTERRUPTED
    except SystemExit as ended:
        code = ended.code
    if code in STOPPED:
        print("region4d: stopped; the same command continues from what is finished", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _of_worker(error: BaseException | None) -> bool:
    """Whether a worker's death is behind an error; it may strike while a checkpoint is written."""
    while error is not None:
        if isinstance(error, BrokenExecutor) or LOADER in str(error):
            return True
        error = error.__context__
    return False


def _drop_output() -> None:
    """Let what is left of the output go, so that the interpreter does not try, and fail, to write it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(message: str, hint: str = "") -> None:
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # the disk that it goes to is full
        _drop_output()
    line = " ".join(message.split())
    if line:  # without words, the help was shown
        print(f"region4d: {line.rstrip('.') if hint else line}{hint}", file=sys.stderr)
    sys.exit(2)
