"""Steps of made-up jobs. They stand in a module of their own, which the processes of the runner import."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from region4d.studies.job import Step


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
