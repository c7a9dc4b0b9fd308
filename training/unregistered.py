"""Holds a module without registering it: no parameters, no checkpoint entries, no device moves."""

from __future__ import annotations

from typing import Generic, TypeVar

Held = TypeVar("Held")


class Unregistered(Generic[Held]):
    """Holds a module as an attribute of an `nn.Module` without registering it: it is not trained, saved or moved."""

    def __init__(self, module: Held) -> None:
        self.module = module
