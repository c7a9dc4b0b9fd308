"""SR-3D: a vision-language model with 3D positions in its visual tokens and regions in its prompt."""

from models.sr3d.config import SR3DConfig
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.inputs.sample import Sample
from models.sr3d.inputs.token_map import TokenMap, token_map
from models.sr3d.inputs.tokenizer import train_tokenizer
from models.sr3d.model import SR3DForConditionalGeneration

__all__ = [
    "SR3DConfig",
    "SR3DForConditionalGeneration",
    "SR3DProcessor",
    "Sample",
    "TokenMap",
    "token_map",
    "train_tokenizer",
]
