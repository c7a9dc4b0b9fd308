"""Any stock video transformer as maps of features at several depths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AutoModel, PretrainedConfig

from models.pretrained import load_pretrained


class VideoEncoder(nn.Module):
    """A transformers video encoder (VideoMAE, V-JEPA 2, ...) with tubelets, read after the blocks named by `hooks`.

    Hook 0 is the patch embedding, hook i the output of block i. `config` has `patch_size`, `tubelet_size` and
    `hidden_size`.
    """

    def __init__(self, config: PretrainedConfig, hooks: Sequence[int]) -> None:
        super().__init__()
        if not hooks or not all(0 <= hook <= config.num_hidden_layers for hook in hooks):
            raise ValueError(f"hooks must be 0 to {config.num_hidden_layers} for this encoder, got {list(hooks)}")
        self.model = AutoModel.from_config(config)
        self.hooks = tuple(hooks)

    @classmethod
    def from_pretrained(cls, folder: str | Path, hooks: Sequence[int]) -> VideoEncoder:
        """Load the weights of a checkpoint folder; nothing is downloaded.

        Raises FileNotFoundError where there is none.
        """
        try:
            model = load_pretrained(AutoModel, folder)
        except OSError as error:
            raise FileNotFoundError(
                f"no video encoder in '{folder}': give a folder (`hf download` gets one)"
            ) from error
        encoder = cls(model.config, hooks)
        encoder.model = model
        return encoder

    def forward(
        self, video: Float[Tensor, "batch time 3 height width"]
    ) -> Float[Tensor, "batch hook slot rows cols channel"]:
        """Encode normalised frames; time must be a multiple of the tubelet, height and width of the patch.

        Raises ValueError where the encoder gives another number of tokens than this grid has.
        """
        config = self.model.config
        rows, cols = video.shape[-2] // config.patch_size, video.shape[-1] // config.patch_size
        hidden = self.model(**{self.model.main_input_name: video}, output_hidden_states=True).hidden_states
        chosen = torch.stack([hidden[hook] for hook in self.hooks], 1)
        slots = video.shape[1] // config.tubelet_size
        if chosen.shape[2] != slots * rows * cols:
            raise ValueError(
                f"the encoder gave {chosen.shape[2]} tokens for {tuple(video.shape)} (batch, time, 3, height, width), "
                f"where tubelet {config.tubelet_size} and patch {config.patch_size} promise {slots} x {rows} x {cols}"
            )
        grid: Tensor = rearrange(chosen, "b k (s r c) d -> b k s r c d", s=slots, r=rows)
        return grid
