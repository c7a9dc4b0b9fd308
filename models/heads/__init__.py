"""Read-outs: dense maps and cameras from tokens, used by probes and by the 4D expert."""

from models.heads.block import Block
from models.heads.camera import CameraHead
from models.heads.dense import DenseHead
from models.heads.dpt import DPTHead

__all__ = ["Block", "CameraHead", "DPTHead", "DenseHead"]
