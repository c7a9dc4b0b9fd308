"""Published checkpoints that an SR-3D model can start from."""

from models.sr3d.bases.nvila import load_nvila_lite as load_nvila_lite
from models.sr3d.bases.parts import assemble as assemble
