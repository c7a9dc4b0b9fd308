"""Load of the web app, as a crowd of visitors makes it: `region4d speed serving`."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from gradio_client import Client
from rich.progress import Progress, TaskID

from benchmarks.records.manifest import collect_manifest
from region4d.app.marks import mark_clip, to_canvas
from region4d.app.opening import KnownQuestion, open_world
from region4d.app.systems import System
from region4d.terminal import quiet_transformers
from scenes.storage.atomic import write_text

MODEL, FRAMES = "sr3d_tiny_3d", 4
FIRST_SEED = 100
QUESTIONS_AN_HOUR = 60  # of one visitor
Result = TypeVar("Result")
_ANSWER = re.compile(r'<p class="r4d-answer">(.*?)</p>')
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Asked:
    """One question as a visitor met it: how long it took, and whether answer and truth were those of the own clip."""

    seconds: float
    right: bool


@dataclass(frozen=True)
class Load:
    """What a crowd met: its timed questions, further ones, and resident memory (GB) of the server in between.

    Memory is that with all clips open, after the timed questions, and after each tenth of the further ones.
    """

    visitors: int
    timed: Sequence[Asked]
    later: Sequence[Asked]
    memory_gb: Sequence[float]

    def seconds(self, quantile: float) -> float:
        """A quantile of the time of a question."""
        ordered = sorted(each.seconds for each in self.timed)
        return ordered[round(quantile * (len(ordered) - 1))]

    def figures(self) -> dict[str, Any]:
        """Write the figures for a record."""
        return {
            "visitors": self.visitors,
            "questions": len(self.timed),
            "right": sum(each.right for each in self.timed),
            "p50_s": round(self.seconds(0.5), 2),
            "p95_s": round(self.seconds(0.95), 2),
            "further_questions": len(self.later),
            "further_right": sum(each.right for each in self.later),
            "memory_gb": [round(each, 3) for each in self.memory_gb],
        }

    def table(self) -> str:
        """Lay out the figures as Markdown."""
        opened, after, *later = (f"{each:.2f}" for each in self.memory_gb)
        figures = self.figures()
        rows = {
            "visitors at the same time": self.visitors,
            "questions; answered rightly": f"{figures['questions']}; {figures['right']}",
            "time of a question: p50, p95": f"{figures['p50_s']} s, {figures['p95_s']} s",
            "further questions; answered rightly": f"{figures['further_questions']}; {figures['further_right']}",
            "resident memory: all clips open, after the questions": f"{opened} GB, {after} GB",
            "after each tenth of the further questions": f"{', '.join(later)} GB",
        }
        lines = ["| web app | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows.items())]
        return "\n".join(lines) + "\n"


def time_serving(output: Path, command: str, visitors: int, questions: int, hours: float) -> None:
    """Let visitors ask a server of their own, then keep them asking for some hours' worth; write times and memory.

    Every visitor opens another world and asks one question after the other without a pause. Each answer is compared
    with that of the same model in this process, and the truth with that of the own world.

    Args:
        output: where the JSON record goes; a table is written beside it.
        command: the command line, for the record.
        visitors: at the same time.
        questions: of all visitors together, timed.
        hours: worth of further questions during which memory is watched, `QUESTIONS_AN_HOUR` each.

    Raises:
        OSError: memory cannot be read here (it needs Linux), or the server did not start.
    """
    quiet_transformers()
    system = System.load(MODEL, "cpu")
    expected = [known_answers(system, FIRST_SEED + each) for each in range(visitors)]
    with running_server() as (address, process), Progress() as progress:
        crowd = Crowd(address, expected, progress)
        memory = [resident_gb(process.pid)]
        timed = crowd.ask(questions, progress.add_task(f"{visitors} visitors", total=questions))
        memory.append(resident_gb(process.pid))
        later: list[Asked] = []
        tenth = round(hours * QUESTIONS_AN_HOUR * visitors / 10)
        bar = progress.add_task("further questions", total=10 * tenth)
        for _ in range(10):
            later += crowd.ask(tenth, bar)
            memory.append(resident_gb(process.pid))
    load = Load(visitors, timed, later, memory)
    manifest = asdict(collect_manifest({"model": MODEL, "frames": FRAMES}))
    record = {"command": command, **manifest, "tasks": {}, **load.figures()}
    write_text(output, json.dumps(record, indent=2) + "\n")
    write_text(output.with_suffix(".md"), load.table())
    print(load.table())


class Crowd:
    """Visitors of a server, each with another world open. `expected` are their questions, with the right answers."""

    def __init__(
        self, address: str, expected: Sequence[Sequence[tuple[KnownQuestion, str]]], progress: Progress
    ) -> None:
        self.expected, self.progress = expected, progress
        self.clients = [Client(address, verbose=False) for _ in expected]
        self._together(lambda k: self.clients[k].predict(FIRST_SEED + k, FRAMES, False, api_name="/open_world"))

    def ask(self, count: int, bar: TaskID) -> list[Asked]:
        """Ask `count` questions: all visitors at the same time, each one after the other."""

        def share(k: int) -> list[Asked]:
            asked = []
            for turn in range(k, count, len(self.clients)):
                asked.append(ask_one(self.clients[k], *self.expected[k][turn % len(self.expected[k])]))
                self.progress.advance(bar)
            return asked

        return [each for several in self._together(share) for each in several]

    def _together(self, work: Callable[[int], Result]) -> list[Result]:
        with ThreadPoolExecutor(len(self.clients)) as pool:
            return list(pool.map(work, range(len(self.clients))))


def known_answers(system: System, seed: int) -> list[tuple[KnownQuestion, str]]:
    """Answer the questions of a world in this process, as HTML shows the answers."""
    opened = open_world(seed, FRAMES, False)
    return [
        (known, html.escape(system.answer(mark_clip(opened, known.marks, known.text), known.text).text))
        for known in opened.questions
    ]


def ask_one(client: Client, known: KnownQuestion, answer: str) -> Asked:
    """Ask a question about the world that a visitor opened."""
    start = time.perf_counter()
    cards, _ = client.predict(to_canvas(known.marks), known.text, api_name="/ask")
    seconds = time.perf_counter() - start
    found = _ANSWER.search(cards)
    right = found is not None and _TAG.sub("", found[1]) == answer
    return Asked(seconds, right and html.escape(f"Exact answer {known.truth}") in _TAG.sub("", cards))


@contextmanager
def running_server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start `region4d serve` in a process of its own, on a free port, and give its address."""
    words = [sys.executable, "-m", "region4d", "serve", "--port", "0", "--model", MODEL, "--device", "cpu"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            said: list[str] = []
            for line in process.stderr:
                said.append(line)
                if found := re.search(r"http://\S+", line):
                    yield found[0], process
                    return
            raise OSError(f"the server did not start: {' '.join(said).strip()}")
        finally:
            process.terminate()


def resident_gb(pid: int) -> float:
    """Read the resident memory of a process; OSError where there is no /proc."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 2**20  # type: ignore[index]
