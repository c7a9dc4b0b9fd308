"""Drafts as killed processes leave them."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from scenes.storage.atomic import new_file


def dead_draft(path: Path) -> Path:
    """Name the draft of a file or folder whose process has ended; nothing is written."""
    with TemporaryDirectory() as elsewhere, suppress(InterruptedError), new_file(Path(elsewhere, path.name)) as draft:
        raise InterruptedError
    ended = subprocess.Popen(["true"])
    ended.wait()
    return path.with_name(draft.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
