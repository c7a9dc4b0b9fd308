"""Lifting (SAM 3D for objects): a masked object out of a picture, as a mesh with its pose and scale in the camera."""

from models.lifting.conditioning import Conditioner
from models.lifting.flow_transformer import FlowTransformer
from models.lifting.lifted import LiftedObject, lift, lift_many
from models.lifting.mesh_files import write_glb, write_ply
from models.lifting.model import LiftingModel
from models.lifting.occupancy_vae import OccupancyVAE
from models.lifting.refinement import RefinementFlow
from models.lifting.sampler import Guidance
from models.lifting.sampling import Sampling

__all__ = [
    "Conditioner",
    "FlowTransformer",
    "Guidance",
    "LiftedObject",
    "LiftingModel",
    "OccupancyVAE",
    "RefinementFlow",
    "Sampling",
    "lift",
    "lift_many",
    "write_glb",
    "write_ply",
]
