"""The training-only decoder: from a student's hidden states at its visual tokens to a teacher's latents."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

Form = Literal["linear", "mlp3"]


class PerceptionDecoder(nn.Module):
    """Map hidden states on the student's grid to latents on the teacher's, (hooks, slots, rows, cols, channels).

    Frames: the first one of every tubelet. Grid: bilinear. Then the channel map: "linear" is one Linear a hook
    (weights N(0, 0.1), bias 0), as in the released code; "mlp3" is one MLP of three layers, GELU, Xavier weights and
    zero bias, as in the paper. Deleted at export.
    Source: 4D-RGPT (arXiv 2512.17012) equation 3 and appendix; specs/rgpt4d.md 2.2, 2.3.
    """

    def __init__(
        self, width: int, latent: tuple[int, int, int, int, int], form: Form = "linear", hidden: int = 2560
    ) -> None:
        super().__init__()
        self.hooks, self.slots, self.rows, self.cols, channels = latent
        outputs = self.hooks * channels
        if form == "linear":
            self.layers = nn.Sequential(nn.Linear(width, outputs))  # the hooks side by side: independent maps
            nn.init.normal_(self.layers[0].weight, std=0.1)  # type: ignore[arg-type]
            nn.init.zeros_(self.layers[0].bias)  # type: ignore[arg-type]
        elif form == "mlp3":
            sizes = (width, hidden, hidden, outputs)
            layers: list[nn.Module] = []
            for inputs, outs in pairwise(sizes):
                linear = nn.Linear(inputs, outs)
                nn.init.xavier_uniform_(linear.weight)
                nn.init.zeros_(linear.bias)
                layers += [linear, nn.GELU()]
            self.layers = nn.Sequential(*layers[:-1])
        else:
            raise ValueError(f"unknown form {form!r} of the perception decoder: choose linear or mlp3")

    def forward(
        self, hidden: Float[Tensor, "batch time rows cols channel"]
    ) -> Float[Tensor, "batch hook slot rows2 cols2 channel2"]:
        """Rearrange and map.

        Raises ValueError where the frames are not a multiple of the slots.
        """
        batch, time = hidden.shape[:2]
        if time % self.slots:
            raise ValueError(f"{time} frames do not fill the teacher's {self.slots} slots evenly: sample a multiple")
        frames = hidden[:, :: time // self.slots]
        grid = rearrange(frames, "b s r c d -> (b s) d r c")
        grid = F.interpolate(grid, (self.rows, self.cols), mode="bilinear", align_corners=False)
        tokens = rearrange(grid, "(b s) d r c -> b s r c d", b=batch)
        latents: Tensor = rearrange(self.layers(tokens), "b s r c (k d) -> b k s r c d", k=self.hooks)
        return latents
