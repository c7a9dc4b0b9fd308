"""The commands of the pages: all are known to the command line; those that are quick and need nothing run for real."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import typer

from region4d.cli import HYDRA_VERBS, build_app, main
from region4d.configuration.compose import compose_config, first_of_sweep, split_multirun
from region4d.configuration.folders import VARIABLE, take_config_dirs
from tests.support.programs.documents import PAGES, README, ROOT, Block, Command, blocks

FOREIGN = {"hf", "lmms-eval", "mkdir", "pip", "source", "uv"}  # other people's programs, and the shell's
CONFIGURED = {"train", "extract", "bench", "compare", "probe", "study"}  # verbs that take Hydra overrides
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
SHELL = [block for page in PAGES for block in blocks(page) if block.language in ("bash", "sh", "console")]
COMMANDS = [(block, command) for block in SHELL for command in block.commands()]
RUN = [page for page in PAGES if any(each.note == "" and each.language != "" for each in blocks(page))]


@pytest.mark.parametrize("block_command", COMMANDS, ids=[f"{block.name} {command}" for block, command in COMMANDS])
def test_a_command_of_a_page_is_known(
    block_command: tuple[Block, Command], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block, command = block_command
    program, *words = command.words
    if program == "make":
        assert {word for word in words if "=" not in word} <= TARGETS
    elif program == "python" and words[0] == "-m":
        assert importlib.util.find_spec(words[1]) is not None
    elif program == "python":
        assert (ROOT / words[0]).is_file()
    elif program == "region4d":
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv(VARIABLE, "")
        for name, text in block.files().items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text)
        assert_known(take_config_dirs(words) if words[0] in HYDRA_VERBS else words)
    else:
        assert program in FOREIGN, f"{program} is neither a command of this repository nor a known other one"


def assert_known(words: list[str]) -> None:
    """Compose the configuration of a verb that takes overrides; parse the flags of another one."""
    verb = words[0]
    if verb in CONFIGURED and "--help" not in words:
        _, assignments = split_multirun(words[1:])
        if verb == "study" and not assignments:
            return  # lists the studies
        if verb == "study":
            study, *assignments = assignments
            verb, assignments = study.partition("/")[0], [f"study={study}", *assignments]
        elif verb in ("compare", "probe"):
            assignments = [re.sub(r"^study=", f"study={verb}/", word) for word in assignments]
        elif verb == "bench":
            assignments = [re.sub(r"^model=", "model.folder=", word) for word in assignments]
        assignments = [word for word in assignments if not word.startswith("hydra")]
        compose_config(verb, first_of_sweep(assignments))
        return
    command = typer.main.get_command(build_app(None if verb.startswith("-") else verb))
    arguments = [word for word in words if word != "--help"]
    context = command.make_context("region4d", list(arguments), resilient_parsing="--help" in words)
    while arguments and hasattr(command, "resolve_command"):
        name, command, arguments = command.resolve_command(context, arguments)
        context = command.make_context(name, list(arguments), parent=context, resilient_parsing="--help" in words)


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[] if page == README else pytest.mark.slow) for page in RUN],
    ids=[str(page.relative_to(ROOT)) for page in RUN],
)
def test_the_quick_blocks_of_a_page_run_in_their_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    session = {"__name__": "__main__"}  # of all Python on the page
    for block in blocks(page):
        if block.note:
            continue
        if block.language == "python":
            exec(compile(block.text, block.name, "exec"), session)
        for name, text in block.files().items():
            Path(name).write_text(text)
        for command in block.commands() if block.language in ("bash", "console") else ():
            program, *words = command.words
            assert program == "region4d", f"{block.name}: say above the block why {program} is not run"
            monkeypatch.setattr(sys, "argv", ["region4d", *words])
            with pytest.raises(SystemExit) as stopped:
                main()
            output = capfd.readouterr()
            assert stopped.value.code in (0, None), f"{block.name}: {command}\n{output.err}"
            for line in command.output:
                assert line in output.out.splitlines(), f"{block.name}: {command} printed {output.out}"
