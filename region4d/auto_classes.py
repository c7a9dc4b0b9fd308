"""Makes transformers' Auto classes know SR-3D after `import region4d`, without importing torch at that moment.

transformers registers classes, not names, so registering needs SR-3D's modules and with them torch. This finder waits
until someone imports the Auto classes, and imports the module of SR-3D that registers itself right afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

REGISTERS = {  # once the first is imported, the second is
    "transformers.models.auto.configuration_auto": "models.sr3d.config",
    "transformers.models.auto.modeling_auto": "models.sr3d.model",
    "transformers.models.auto.processing_auto": "models.sr3d.inputs.processor",
}


class ThenRegister(Loader):
    """Executes a module with its own loader, then imports the module of SR-3D that registers itself there."""

    def __init__(self, loader: Loader, register: str) -> None:
        self.loader, self.register = loader, register

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as its own loader does."""
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Execute the module, then register."""
        self.loader.exec_module(module)
        import_module(self.register)


class AutoClassFinder(MetaPathFinder):
    """Finds the modules of the Auto classes, and leaves every other module to the finders behind it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module of the Auto classes."""
        if fullname not in REGISTERS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = ThenRegister(spec.loader, REGISTERS[fullname])
        return spec


def register_auto_classes() -> None:
    """Register SR-3D now where the Auto classes are imported already, and else as soon as they are."""
    for auto, register in REGISTERS.items():
        if auto in sys.modules:
            import_module(register)
    if not any(isinstance(finder, AutoClassFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AutoClassFinder())
