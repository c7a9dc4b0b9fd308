"""Random numbers of a clip: the same for every model, order of work and machine."""

from __future__ import annotations

import hashlib

import torch


def clip_generator(name: str, seed: int) -> torch.Generator:
    """Seed the generator of a clip from its name and a seed alone."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
