"""The file through which transformers' AutoProcessor finds SR-3D where region4d was not imported.

Without it, `AutoProcessor.from_pretrained(folder)` knows no class of the name `SR3DProcessor` and silently returns the
tokenizer alone. A folder whose `processor_config.json` names this file is refused instead, unless the caller passes
`trust_remote_code=True`; then the file takes the class from the installed package.
"""

from __future__ import annotations

from pathlib import Path

AUTO_FILE = "region4d_auto.py"
AUTO_MAP = {"AutoProcessor": "region4d_auto.SR3DProcessor"}
SOURCE = '''"""Takes SR-3D's processor from region4d: AutoProcessor.from_pretrained(folder, trust_remote_code=True)."""

from region4d import SR3DProcessor as InstalledProcessor


class SR3DProcessor(InstalledProcessor):
    """The processor of the installed package."""
'''


def write_auto_file(folder: str | Path) -> None:
    """Write the file into a checkpoint folder."""
    (Path(folder) / AUTO_FILE).write_text(SOURCE)
