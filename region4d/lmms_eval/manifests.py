"""What lmms-eval finds by the entry point group `lmms_eval.models` of pyproject.toml: the model `region4d`."""

from __future__ import annotations

from lmms_eval.models.registry_v2 import ModelManifest

NAME = "region4d"


def manifests() -> list[ModelManifest]:
    """List our models. lmms-eval imports the class only when it is asked for, and only logs where this fails."""
    return [ModelManifest(model_id=NAME, simple_class_path="region4d.lmms_eval.model.Region4D")]
