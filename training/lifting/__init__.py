"""Training of a lift with Lightning, stage by stage; each stage begins with the model that the last one wrote."""

from training.lifting.data import WorldObjects, WorldShapes
from training.lifting.preference import PreferenceAlignment, WorldPreferences
from training.lifting.refinement import RefinementTraining, WorldPaintedObjects
from training.lifting.stages import FlowTraining, ShapeAutoencoding, ShortcutDistillation

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
