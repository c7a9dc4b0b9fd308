"""Lifting (SAM 3D for objects): from a masked object in a picture to a mesh with pose and scale in the camera."""

from models.lifting.export import write_glb, write_ply
from models.lifting.flow_matching.sampler import Guidance
from models.lifting.lift import LiftedObject, lift, lift_many
from models.lifting.model import LiftingModel
from models.lifting.networks.conditioning import Conditioner
from models.lifting.networks.flow_transformer import FlowTransformer
from models.lifting.networks.occupancy_vae import OccupancyVAE
from models.lifting.options import Sampling

__all__ = [
    "Conditioner",
    "FlowTransformer",
    "Guidance",
    "LiftedObject",
    "LiftingModel",
    "OccupancyVAE",
    "Sampling",
    "lift",
    "lift_many",
    "write_glb",
    "write_ply",
]
