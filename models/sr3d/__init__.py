"""SR-3D: a vision-language model with 3D positions in its visual tokens and regions in its prompt.

Names are imported when they are used: importing the configuration alone must not import the networks, so that
transformers' Auto classes can learn of SR-3D early (`region4d.auto_classes`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.sr3d.config import SR3DConfig
    from models.sr3d.inputs.processor import SR3DProcessor
    from models.sr3d.inputs.sample import Sample
    from models.sr3d.inputs.token_map import TokenMap, token_map
    from models.sr3d.model import SR3DForConditionalGeneration
    from models.sr3d.text.tokenizer import train_tokenizer

__all__ = [
    "SR3DConfig",
    "SR3DForConditionalGeneration",
    "SR3DProcessor",
    "Sample",
    "TokenMap",
    "token_map",
    "train_tokenizer",
]
_MODULES = {
    "SR3DConfig": "config",
    "SR3DForConditionalGeneration": "model",
    "SR3DProcessor": "inputs.processor",
    "Sample": "inputs.sample",
    "TokenMap": "inputs.token_map",
    "token_map": "inputs.token_map",
    "train_tokenizer": "text.tokenizer",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
