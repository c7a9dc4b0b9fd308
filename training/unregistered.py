"""A holder for a module that must not become part of another: no parameters, checkpoint entries or device moves."""

from __future__ import annotations

from typing import Generic, TypeVar

Held = TypeVar("Held")


class Unregistered(Generic[Held]):
    """Holds a module as an attribute of an `nn.Module`, which then does not train, save or move it."""

    def __init__(self, module: Held) -> None:
        self.module = module
