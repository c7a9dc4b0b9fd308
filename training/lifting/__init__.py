"""Training of lifting models with Lightning, in stages; each stage starts from the model of the stage before."""

from training.lifting.confidence import ConfidenceCalibration
from training.lifting.data import JoinedObjects, MeshObjects, WorldObjects, WorldShapes
from training.lifting.flow import FlowTraining, ShortcutDistillation
from training.lifting.human_preferences import HumanPreferences
from training.lifting.preference import PreferenceAlignment, WorldPreferences, preferences
from training.lifting.shapes import ShapeAutoencoding

__all__ = [
    "ConfidenceCalibration",
    "FlowTraining",
    "HumanPreferences",
    "JoinedObjects",
    "MeshObjects",
    "PreferenceAlignment",
    "ShapeAutoencoding",
    "ShortcutDistillation",
    "WorldObjects",
    "WorldPreferences",
    "WorldShapes",
    "preferences",
]
