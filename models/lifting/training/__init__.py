"""Training of a lift with Lightning, stage by stage; each stage begins with the model that the last one wrote."""

from models.lifting.training.data import WorldObjects, WorldShapes
from models.lifting.training.preference import PreferenceAlignment, WorldPreferences
from models.lifting.training.stages import FlowTraining, ShapeAutoencoding, ShortcutDistillation

__all__ = [
    "FlowTraining",
    "PreferenceAlignment",
    "ShapeAutoencoding",
    "ShortcutDistillation",
    "WorldObjects",
    "WorldPreferences",
    "WorldShapes",
]
