"""Steps of made-up jobs. They stand in a module of their own, which the processes of the runner import."""

import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from region4d.studies.job import Step
from scenes.storage.atomic import new_file


@dataclass(frozen=True)
class Formatting(Step):
    """Write a JSON file without spaces."""

    source: Path
    target: Path
    state: str = "formatting"

    @property
    def finished(self) -> bool:
        return self.target.exists()

    def run(self) -> None:
        print(f"formatting {self.source.name}")
        self.target.write_text(json.dumps(json.loads(self.source.read_text()), separators=(",", ":")))


@dataclass(frozen=True)
class Beating(Step):
    """Touch a file without end."""

    file: Path
    state: str = "beating"

    @property
    def finished(self) -> bool:
        return False

    def run(self) -> None:
        while True:
            self.file.touch()
            time.sleep(0.05)


@dataclass(frozen=True)
class DyingOnce(Step):
    """Is killed the first time, half-way."""

    tried: Path
    result: Path
    state: str = "dying"

    @property
    def finished(self) -> bool:
        return self.result.exists()

    def run(self) -> None:
        with new_file(self.result) as draft:
            draft.write_text("who")
            if not self.tried.exists():
                self.tried.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            draft.write_text("whole")
