"""Any stock image encoder as a map of features."""

from __future__ import annotations

import transformers
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PretrainedConfig

LAST_NORMS = ("post_layernorm", "layernorm", "norm")  # of SigLIP and CLIP, of ViT and DINO, of DINOv3


class ImageEncoder(nn.Module):
    """A transformers encoder, or a timm one (model type `timm_wrapper`), that gives (rows, cols) features an image.

    Class and register tokens are dropped; convolutional encoders give their map as it is. `select_layer` counts hidden
    states from the end as VILA does: -1 is the output (after the last norm), -2 is what enters the last block. A
    transformer of transformers is cut behind the block that is asked for: what follows is neither kept nor computed.
    """

    def __init__(self, config: PretrainedConfig, stride: int, select_layer: int = -1) -> None:
        super().__init__()
        # AutoModel is not imported above: `region4d.auto_classes` would then import SR-3D, which needs this file
        self.model = transformers.AutoModel.from_config(config)
        self.cut: tuple[str, ...] = () if select_layer == -1 else _cut_behind(self.model, select_layer)
        unused = {"pooler", "head", *(["layernorm"] if hasattr(config, "hidden_sizes") else [])}
        if config.model_type == "clip_vision_model":
            unused.add("post_layernorm")  # of the pooled output alone
        for name, parameter in self.model.named_parameters():
            # the pooled output and masked pre-training are not ours: without a gradient, which DDP takes for an error
            if name.split(".")[0] in unused or name.endswith("mask_token"):
                parameter.requires_grad_(False)
        self.stride = stride
        self.select_layer = select_layer

    @property
    def channels(self) -> int:
        """Width of the features."""
        config = self.model.config
        if config.model_type == "timm_wrapper":
            return int(self.model.timm_model.num_features)
        return int(config.hidden_sizes[-1] if hasattr(config, "hidden_sizes") else config.hidden_size)

    def forward(self, images: Float[Tensor, "image 3 height width"]) -> Float[Tensor, "image rows cols channel"]:
        """Encode images to a grid of height / stride x width / stride features.

        Raises ValueError where the encoder has another stride than it was declared with.
        """
        rows, cols = images.shape[-2] // self.stride, images.shape[-1] // self.stride
        if self.select_layer == -1 or self.cut:
            features: Tensor = self.model(images).last_hidden_state
        else:
            features = self.model(images, output_hidden_states=True).hidden_states[self.select_layer]
        if features.ndim == 3:  # tokens; class and register tokens come first
            prefix = features.shape[1] - rows * cols
            if prefix >= 0:
                features = rearrange(features[:, prefix:], "i (r c) d -> i r c d", r=rows)
        elif getattr(getattr(self.model, "timm_model", None), "output_fmt", "NCHW") != "NHWC":
            features = rearrange(features, "i d r c -> i r c d")
        if features.shape[1:3] != (rows, cols):
            raise ValueError(
                f"the encoder gave {tuple(features.shape[1:-1])} features for images of {tuple(images.shape[-2:])} "
                f"pixels, where stride {self.stride} promises {rows} x {cols}: set `stride` in the model config"
            )
        return features


def _cut_behind(model: nn.Module, select_layer: int) -> tuple[str, ...]:
    """Drop what comes after a hidden state of an encoder with blocks and a last norm; the beginnings of their names.

    Other encoders (convolutional ones, timm's) stay whole: nothing is dropped.
    """
    count = getattr(model.config, "num_hidden_layers", None)
    lists = {name: part for name, part in model.named_modules() if isinstance(part, nn.ModuleList)}
    blocks = next((name for name, part in lists.items() if len(part) == count), None)
    norm = next((name for name in LAST_NORMS if hasattr(model, name)), None)
    if count is None or blocks is None or norm is None:
        return ()
    if not -count - 1 <= select_layer < 0:
        raise ValueError(f"select_layer={select_layer}: the encoder has hidden states -1 to {-count - 1}")
    kept = count + 1 + select_layer
    del lists[blocks][kept:]
    setattr(model, norm, nn.Identity())
    return (f"{norm}.", *(f"{blocks}.{i}." for i in range(kept, count)))
