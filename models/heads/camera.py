"""Camera head: a pose encoding from one token per view, refined iteratively."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from models.heads.block import LAYER_SCALE, Block, mlp

ENCODING = 9  # translation, quaternion, fields of view: see models/geometry/camera_encoding.py


class CameraHead(nn.Module):
    """Predict the cameras of all views of a clip together from their camera tokens, by iterative refinement.

    Each iteration embeds the current pose encoding (detached; a learned one at first), modulates the tokens by it
    (adaptive layer norm), lets the views attend to each other, and adds a predicted change. Fields of view pass a ReLU;
    translation and quaternion are unchanged, so the quaternion is not normalised.
    Source: VGGT (arXiv 2503.11651) section 3.3, adaptive norm as in DiT (arXiv 2212.09748); specs/vidfm3d.md 2.1.

    Args:
        width: channels of a camera token.
        depth: blocks of the trunk, shared by all iterations.
        heads: attention heads.
        iterations: number of refinements.
        layer_scale: see `Block`.
    """

    def __init__(
        self, width: int, depth: int = 4, heads: int = 16, iterations: int = 4, layer_scale: float = LAYER_SCALE
    ) -> None:
        super().__init__()
        self.iterations = iterations
        self.token_norm, self.trunk_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.unmodulated_norm = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.first_pose = nn.Parameter(torch.zeros(1, 1, ENCODING))
        self.embed = nn.Linear(ENCODING, width)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 3 * width))
        self.trunk = nn.ModuleList(Block(width, heads, layer_scale=layer_scale) for _ in range(depth))
        self.change = mlp(width, width // 2, ENCODING)

    def forward(self, tokens: Float[Tensor, "batch view channel"]) -> list[Float[Tensor, "batch view 9"]]:
        """Predict the pose encodings of all iterations; the last one is the result."""
        tokens = self.token_norm(tokens)
        pose = self.first_pose.expand(*tokens.shape[:2], ENCODING)
        encodings: list[Tensor] = []
        for number in range(self.iterations):
            shift, scale, gate = self.modulation(self.embed(pose.detach() if number else pose)).chunk(3, -1)
            state = tokens + gate * (self.unmodulated_norm(tokens) * (1 + scale) + shift)
            for block in self.trunk:
                state = block(state)
            change = self.change(self.trunk_norm(state))
            pose = pose.detach() + change if number else change
            encodings.append(torch.cat([pose[..., :7], pose[..., 7:].relu()], -1))
        return encodings
