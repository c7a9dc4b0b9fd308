"""Training of a lift with Lightning, stage by stage; each stage begins with the model that the last one wrote."""

from models.lifting.training.data import WorldObjects, WorldShapes
from models.lifting.training.preference import PreferenceAlignment, WorldPreferences
from models.lifting.training.refinement import RefinementTraining, WorldPaintedObjects
from models.lifting.training.stages import FlowTraining, ShapeAutoencoding, ShortcutDistillation

__all__ = [
    "FlowTraining",
    "PreferenceAlignment",
    "RefinementTraining",
    "ShapeAutoencoding",
    "ShortcutDistillation",
    "WorldObjects",
    "WorldPaintedObjects",
    "WorldPreferences",
    "WorldShapes",
]
