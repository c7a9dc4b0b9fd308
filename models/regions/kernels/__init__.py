"""Fused Triton kernels for a GPU: `tile_image`, `tile_mask` and `pool_regions` with the signatures of `models.regions`.

They read each input and write each output once, where torch makes several passes, and never wait for the GPU. Each is
differentiable where the function of `models.regions`, its reference, is. `models.regions.kernel_choice` says which of
them that package uses. They need triton, which comes with the CUDA builds of torch.
"""

from models.regions.kernels.pool import pool_regions
from models.regions.kernels.resample import tile_image, tile_mask

__all__ = ["pool_regions", "tile_image", "tile_mask"]
