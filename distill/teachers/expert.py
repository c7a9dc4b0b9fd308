"""Our own 4D expert: a video transformer with four hooked depths, and a DPT head for each signal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel, VideoMAEConfig

from distill.signals import CHANNELS
from distill.teachers.teacher import Targets, TeacherSpec, decoded_targets, digest_of
from models.checked_loading import naming_damage, no_larger_than, refuse_non_finite
from models.checkpoint_files import NO_CODE, read_json, weight_files
from models.checkpoint_registry import checkpoint_folder
from models.encoders.video_encoder import VideoEncoder
from models.heads import DenseHead
from models.pretrained import without_load_report
from scenes.clip import Clip

SHIPPED = "expert4d_tiny"  # a name of the checkpoint registry
IRRELEVANT_KEYS = ("_name_or_path", "dtype", "transformers_version", "architectures")  # not part of the digest
Latents = Float[Tensor, "batch hook slot rows cols channel"]


class Expert4DConfig(PretrainedConfig):
    """Configuration of the expert.

    Args:
        video_config: Config, or dict with its `model_type`, of a transformers video encoder with tubelets.
        hooks: Blocks whose outputs the heads read; four, shallow to deep.
        head_width: Channels of the heads' fusion.
        head_factors: Resolution at which each hook enters a head, relative to the latents' grid.
        image_mean: Mean of normalised pixels per channel, for values in [0, 1].
        image_std: Standard deviation by channel.
        **kwargs: See `transformers.PretrainedConfig`.
    """

    model_type = "expert4d"
    sub_configs = {"video_config": AutoConfig}  # noqa: RUF012

    def __init__(
        self,
        video_config: PretrainedConfig | dict[str, Any] | None = None,
        hooks: Sequence[int] = (2, 4, 6, 8),
        head_width: int = 32,
        head_factors: Sequence[int | float] = (4, 2, 1, 0.5),
        image_mean: Sequence[float] = (0.5, 0.5, 0.5),
        image_std: Sequence[float] = (0.5, 0.5, 0.5),
        **kwargs: Any,
    ) -> None:
        if isinstance(video_config, dict):
            if "qv_bias" in video_config:  # the name of transformers 5.23 for qkv_bias of 5.17
                video_config = {"qkv_bias": video_config["qv_bias"], **video_config}
            video_config = AutoConfig.for_model(**video_config)
        self.video_config: Any = video_config or VideoMAEConfig()
        self.hooks = list(hooks)
        self.head_width = head_width
        self.head_factors = list(head_factors)
        self.image_mean = list(image_mean)
        self.image_std = list(image_std)
        if len(self.head_factors) != len(self.hooks):
            raise ValueError(f"head_factors={self.head_factors} and hooks={self.hooks}: give one factor for each hook")
        for name in ("image_mean", "image_std"):
            values = getattr(self, name)
            if len(values) != 3 or not all(isinstance(value, int | float) for value in values):
                raise ValueError(f"{name}={values!r}: three numbers are needed, for red, green and blue")
        super().__init__(**kwargs)


class Expert4D(PreTrainedModel):
    """Depth, backward flow, motion and camera rays from RGB frames; a `Teacher` once it is frozen (`freeze`).

    Source: the role that L4P (arXiv 2502.13078) has in 4D-RGPT (arXiv 2512.17012, section 3.2); built from a stock
    transformers encoder and DPT heads, and trained on procedural worlds.
    """

    config_class = Expert4DConfig
    config: Expert4DConfig
    main_input_name = "video"

    def __init__(self, config: Expert4DConfig) -> None:
        super().__init__(config)
        self.encoder = VideoEncoder(config.video_config, config.hooks)
        self.heads = nn.ModuleDict(
            {
                name: DenseHead(
                    config.video_config.hidden_size,
                    channels,
                    config.video_config.tubelet_size,
                    config.head_width,
                    config.head_factors,
                )
                for name, channels in CHANNELS.items()
            }
        )
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Keep the initial weights of the stock parts."""

    @property
    def spec(self) -> TeacherSpec:
        """Sizes of inputs and outputs."""
        video = self.config.video_config
        side = video.image_size // video.patch_size
        latent = (len(self.config.hooks), video.num_frames // video.tubelet_size, side, side, video.hidden_size)
        return TeacherSpec(video.num_frames, video.image_size, latent, tuple(CHANNELS))

    @cached_property
    def digest(self) -> str:
        """Hash of sizes and weights."""
        config = self.config
        video = {k: v for k, v in config.video_config.to_dict().items() if k not in IRRELEVANT_KEYS}
        settings = (sorted(video.items()), config.hooks, config.head_factors, config.image_mean, config.image_std)
        return digest_of(settings, self)

    def freeze(self) -> Expert4D:
        """Freeze the parameters, set evaluation mode, and return the expert as a `Teacher`."""
        self.eval().requires_grad_(False)
        return self

    def forward(self, video: UInt8[Tensor, "batch time 3 height width"]) -> dict[str, Tensor]:
        """Predict all signals with gradients, for training the expert itself."""
        return self.decode(self._latents(video))

    @torch.no_grad()
    def encode(self, video: UInt8[Tensor, "batch time 3 height width"]) -> Latents:
        """Encode frames to latents, without gradients.

        Raises:
            ValueError: the number or size of the frames is not that of the expert.
        """
        return self._latents(video)

    def decode(self, latents: Latents) -> dict[str, Tensor]:
        """Decode latents, the expert's or a student's, to raw signals; differentiable in the latents."""
        size = (self.spec.size, self.spec.size)
        grid = (latents.shape[3], latents.shape[4])
        return {name: head(latents, grid if name == "rays" else size) for name, head in self.heads.items()}

    def targets(self, clip: Clip) -> Targets:
        """Compute the targets of one clip (see `decoded_targets`)."""
        return decoded_targets(self, clip, self.device)

    def _latents(self, video: Tensor) -> Latents:
        expected = (self.spec.frames, 3, self.spec.size, self.spec.size)
        if tuple(video.shape[1:]) != expected:
            raise ValueError(
                f"the expert takes video of {expected} (time, 3, height, width), got {tuple(video.shape[1:])}"
            )
        mean, std = (
            rearrange(torch.tensor(values, device=video.device), "c -> c 1 1")
            for values in (self.config.image_mean, self.config.image_std)
        )
        pixels = (video.float() / 255 - mean) / std
        latents: Tensor = self.encoder(pixels.to(self.dtype))
        return latents


def load_expert(folder: str | Path) -> Expert4D:
    """Load a trained expert, frozen, by folder or by the name of a shipped checkpoint.

    Raises:
        ValueError: the folder has no expert, or weights that do not fit its config.
    """
    folder = checkpoint_folder(folder)
    path = folder / "config.json"
    if not path.is_file():
        raise ValueError(f"no 4D expert in '{folder}' (config.json is missing): train one, experiment=expert4d/tiny")
    read_json(path)  # one line where it is damaged
    with naming_damage(folder), no_larger_than(weight_files(folder), path), without_load_report():
        expert, report = Expert4D.from_pretrained(
            folder,
            dtype=torch.float32,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # reported below
            use_safetensors=True,
            **NO_CODE,
        )
    if wrong := sorted(map(str, {*report["missing_keys"], *report["unexpected_keys"], *report["mismatched_keys"]})):
        raise ValueError(
            f"the weights in '{folder}' do not fit its config: {len(wrong)} keys differ, such as {wrong[0]}; "
            "write the folder again"
        )
    refuse_non_finite(expert.state_dict(), folder)
    return expert.freeze()  # type: ignore[no-any-return]


def expert_to_train(folder: str | Path | Sequence[str | Path] | None = None) -> Expert4D:
    """Load an expert for further training, by default the shipped one.

    Several folders are averaged: the mean of the weights of experts that were fine-tuned from one is better than each
    of them (model soups, arXiv 2203.05482). With `trainer.max_steps=0`, a training just writes this mean.

    Raises:
        ValueError: a folder has no expert, or weights that do not fit its config.
    """
    folders = [folder or SHIPPED] if folder is None or isinstance(folder, (str, Path)) else list(folder)
    states = [load_expert(path).state_dict() for path in folders]
    expert = Expert4D(Expert4DConfig.from_pretrained(checkpoint_folder(folders[0])))  # frozen parts: the unused ones
    expert.load_state_dict({name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]})
    return expert


def shipped_expert() -> Expert4D:
    """Load the shipped tiny expert."""
    return load_expert(SHIPPED)


def random_expert(seed: int = 0, folder: str | Path = SHIPPED) -> Expert4D:
    """Build an expert of the same architecture with random weights: a control with the same losses and cost.

    Raises:
        ValueError: the folder has no expert.
    """
    config = load_expert(folder).config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Expert4D(config).freeze()


AutoConfig.register(Expert4DConfig.model_type, Expert4DConfig, exist_ok=True)
