"""Hidden states of a prompt, small enough to be kept: the last position, and mean and RMS over positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class HiddenStates:
    """Per layer and channel: embeddings, then each layer; the last one follows the final norm.

    Mean and RMS may cover the first layers alone. Visual tokens count in them only, since the last position is text.
    """

    last: Float[Tensor, "layer hidden"]
    mean: Float[Tensor, "covered hidden"]
    rms: Float[Tensor, "covered hidden"]

    @classmethod
    def over(
        cls, states: Float[Tensor, "covered position hidden"], last: Float[Tensor, "layer hidden"] | None = None
    ) -> HiddenStates:
        """Summarise the states of all positions."""
        return cls(
            last=states[:, -1] if last is None else last, mean=states.mean(1), rms=states.square().mean(1).sqrt()
        )

    def errors(self, recorded: HiddenStates) -> Float[Tensor, "layer"]:
        """Measure the relative error of each layer, the largest of three.

        |last - recorded| / |recorded|, and those of mean and RMS over positions, both relative to the recorded RMS.

        Raises:
            ValueError: The other states are of another model.
        """
        if self.last.shape != recorded.last.shape:
            mine, theirs = tuple(self.last.shape), tuple(recorded.last.shape)
            raise ValueError(
                f"the golden has hidden states of {theirs} (layers with embeddings, width), the checkpoint of {mine}: "
                "it was recorded from another checkpoint"
            )
        errors = _relative(self.last - recorded.last, recorded.last)
        count = min(len(self.mean), len(recorded.mean))
        rms = recorded.rms[:count]
        covered = torch.maximum(
            _relative(self.mean[:count] - recorded.mean[:count], rms), _relative(self.rms[:count] - rms, rms)
        )
        return torch.cat([torch.maximum(errors[:count], covered), errors[count:]])


def _relative(difference: Tensor, recorded: Tensor) -> Float[Tensor, "layer"]:
    scale = recorded.norm(dim=-1).clamp_min(torch.finfo(torch.float32).tiny)
    relative: Tensor = difference.norm(dim=-1) / scale
    return relative
