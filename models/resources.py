"""Folders that come with the code: `configs` and `checkpoints`."""

from __future__ import annotations

from pathlib import Path


def resource_folder(name: str) -> Path:
    """Locate a folder that comes with the code. It lies beside `models`, in the repository and in a wheel alike."""
    return Path(__file__).resolve().parents[1] / name
