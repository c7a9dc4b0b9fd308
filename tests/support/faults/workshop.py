"""A folder where commands are run undisturbed and disturbed, and a table of what came of it."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.faults.commands import COMMANDS
from tests.support.faults.processes import Ended, Running

BEGIN, END = "<!-- tried -->", "<!-- end of what was tried -->"
Row = tuple[str, str, str]  # fault, command, how it ended
LEFT = (".lock", ".partial", ".draft")
HYDRA = ("train", "extract", "bench", "compare", "study")


@dataclass
class Workshop:
    """Where commands are run; `tried` has a row for every fault that was survived."""

    folder: Path
    whole: dict[str, tuple[Mapping[str, str], float]] = field(default_factory=dict)
    tried: list[Row] = field(default_factory=list)

    def start(
        self, name: str, folder: Path, before: Callable[[], object] = lambda: None, more: Sequence[str] = (), **to: int
    ) -> Running:
        """Start a command in a folder; `more` words follow its own."""
        command = COMMANDS[name]
        words = [*command.words(folder, self.folder), *more]
        verb = words[0]
        importlib.import_module(f"region4d.verbs.{'experiments.' if verb in HYDRA else ''}{_module(verb)}")
        folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "logs" / f"{len(list((self.folder / 'logs').iterdir()))}.txt"

        def prepared() -> None:
            command.before()
            before()

        return Running(words, log, prepared, **to)

    def undisturbed(self, name: str) -> tuple[Mapping[str, str], float]:
        """Give the digests of the results of a command, and its seconds; it is run once."""
        if name not in self.whole:
            folder = self.folder / "whole" / name.replace(" ", "_")
            ended = self.start(name, folder).wait()
            assert ended.code == 0, ended.said
            found = COMMANDS[name].digests(folder)
            assert found
            assert leftovers(folder) == []
            self.whole[name] = found, ended.seconds
        return self.whole[name]

    def survived(self, fault: str, name: str, ended: Ended, folder: Path, more: Sequence[str] = ()) -> None:
        """Run a command again, to its end: all files are those of an undisturbed run, and nothing else is left."""
        again = self.start(name, folder, more=more).wait()
        assert again.code == 0, again.said
        expected, _ = self.undisturbed(name)
        found = COMMANDS[name].digests(folder)
        differ = sorted(file for file in {*found, *expected} if found.get(file) != expected.get(file))
        assert not differ, differ
        assert leftovers(folder) == []
        lines = [line for line in ended.said.splitlines() if line.startswith("region4d: ")]
        said = re.sub(r"/\S*/", "", lines[-1].removeprefix("region4d: ")) if lines else ""  # without temporary folders
        self.tried.append((fault, name, f"{ended.code}{f': {said}' if said else ''}"))


def leftovers(folder: Path) -> list[str]:
    """List locks and drafts in a folder."""
    return [str(path) for path in folder.rglob("*") if any(part in path.name for part in LEFT)]


def table(rows: Sequence[Row]) -> str:
    """Write a table as Markdown: a row for each fault and end, with the commands that met it and how often."""
    groups: dict[tuple[str, str], Counter[str]] = {}
    for fault, name, end in rows:
        groups.setdefault((fault, end), Counter())[name] += 1
    lines = ["| fault | in | tried | exit code, and what is said | rerun equal |", "| --- | --- | --- | --- | --- |"]
    for (fault, end), names in groups.items():
        count = sum(names.values())
        commands = ", ".join(f"{name} {n}" if n > 1 else name for name, n in names.items())
        lines.append(f"| {fault} | {commands} | {count} | {end} | {count} |")
    lines.append(f"| all | | {len(rows)} | | {len(rows)} |")
    return "\n".join(lines)


def fill(page: Path, rows: Sequence[Row]) -> None:
    """Write the table between the marks of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}")


def _module(verb: str) -> str:
    return "study" if verb == "compare" else verb
