"""Ask about regions of images and videos, in 3D and over time.

    import region4d

    model = region4d.load()
    boxes = [(41, 33, 69, 85), (131, 92, 170, 164)]
    question = "At the start, which is nearer to the camera? (A) <region0> (B) <region1>"
    print(model.ask("outputs/rooms/world-6", question, boxes))

Names are imported when they are used: `import region4d` imports neither torch nor transformers. After it, transformers'
AutoConfig, AutoProcessor and AutoModelForImageTextToText know SR-3D.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from region4d.auto_classes import register_auto_classes

if TYPE_CHECKING:
    from models.checkpoint_registry import checkpoint_folder
    from models.geometry import PointMap
    from models.lifting import lift
    from models.regions import Region
    from models.sr3d import SR3DForConditionalGeneration, SR3DProcessor
    from region4d.loading import load
    from region4d.probing import probe_layers
    from scenes import Clip
    from scenes.readers.open_clip import open_clip

__all__ = [
    "Clip",
    "PointMap",
    "Region",
    "SR3DForConditionalGeneration",
    "SR3DProcessor",
    "checkpoint_folder",
    "lift",
    "load",
    "open_clip",
    "probe_layers",
]
_MODULES = {
    "Clip": "scenes.clip",
    "PointMap": "models.geometry",
    "Region": "models.regions",
    "SR3DForConditionalGeneration": "models.sr3d.model",
    "SR3DProcessor": "models.sr3d.inputs.processor",
    "checkpoint_folder": "models.checkpoint_registry",
    "lift": "models.lifting.lift",
    "load": "region4d.loading",
    "open_clip": "scenes.readers.open_clip",
    "probe_layers": "region4d.probing",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'region4d' has no attribute {name!r}: it has {', '.join(__all__)}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


register_auto_classes()
