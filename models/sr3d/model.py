"""SR-3D: vision features with 3D positions, tokens for regions, and a language model that reads both."""

from __future__ import annotations

import re
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor, nn
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    Cache,
    GenerationMixin,
    PreTrainedModel,
)
from transformers.modeling_outputs import CausalLMOutputWithPast

from models.encoders import ImageEncoder
from models.regions import RegionMasks
from models.sr3d.attention.packed import packed_arguments
from models.sr3d.attention.packing import packed_position_ids
from models.sr3d.config import SR3DConfig
from models.sr3d.encodings.grid_encoding import GridEncoding
from models.sr3d.encodings.motion_encoding import frame_flow
from models.sr3d.encodings.position_encoding import PositionEncoding3D
from models.sr3d.encodings.scale_encoding import ScaleEncoding
from models.sr3d.encodings.timestamp_encoding import timestamp_encoding
from models.sr3d.inputs.visual_inputs import VisualInputs, without_visual
from models.sr3d.projector import projector
from models.sr3d.region_extractor import RegionExtractor
from models.sr3d.regiongpt import RegionGPTExtractor

TILES_AT_ONCE = 16  # in the vision tower without gradients, so that its activations do not grow with a video
IGNORED = -100  # label of a token that is not supervised (transformers convention)


class SR3DForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """A vision-language model whose visual tokens carry canonical 3D positions and whose prompt points at regions.

    What only the 3D model has is built last and outside the random stream, so that from one seed a 2D and a 3D model
    get the same initial weights wherever they have the same module.
    """

    config_class = SR3DConfig
    config: SR3DConfig
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: SR3DConfig) -> None:
        super().__init__(config)
        self.vision_tower = ImageEncoder(config.vision_config, config.stride, config.select_layer)
        self._keys_to_ignore_on_load_unexpected = [
            rf"^vision_tower\.model\.{re.escape(c)}" for c in self.vision_tower.cut
        ]
        self.language_model = AutoModelForCausalLM.from_config(config.text_config)
        channels, width = self.vision_tower.channels, config.text_config.get_text_config().hidden_size
        self.grid_encoding = GridEncoding(channels) if config.grid_encoding else None
        self.projector = projector(config.projector, channels, width, config.projector_factor)
        self.region_extractor: RegionExtractor | RegionGPTExtractor
        if config.region_pool == "regiongpt":
            self.region_extractor = RegionGPTExtractor(channels, width)
        else:
            self.region_extractor = RegionExtractor(
                channels,
                width,
                config.region_pool,
                config.region_width,
                config.region_mask_encoding,
                config.region_motion_encoding,
            )
        self.camera_token = nn.Embedding(1, width) if config.camera_token else None
        self.scale_encoding: ScaleEncoding | None = None
        self.position_encoding: PositionEncoding3D | None = None
        with torch.random.fork_rng(devices=[]):
            if config.scale == "token":
                self.scale_encoding = ScaleEncoding(width)
            if config.position_encoding:
                self.position_encoding = PositionEncoding3D(
                    channels, config.pe_frequencies, config.pe_max_frequency, config.pe_oversample, config.pe_width
                )
                if config.camera_token:
                    self.camera_projector = nn.Linear(channels, width, bias=False)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Initialise what is ours; the vision tower and the language model initialise themselves."""
        if isinstance(module, nn.Linear | nn.LayerNorm):
            module.reset_parameters()
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=getattr(self.config.text_config, "initializer_range", 0.02))

    def get_input_embeddings(self) -> nn.Module:
        """Return the token embeddings of the language model."""
        embeddings: nn.Module = self.language_model.get_input_embeddings()
        return embeddings

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the token embeddings of the language model."""
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        """Return the head of the language model."""
        head: nn.Module = self.language_model.get_output_embeddings()
        return head

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Replace the head of the language model."""
        self.language_model.set_output_embeddings(new_embeddings)

    @property
    def num_vision_tokens(self) -> int:
        """Visual tokens per tile or frame."""
        return self.config.token_grid**2

    def encode_tiles(
        self,
        pixel_values: Float[Tensor, "tile 3 height width"],
        points: Float[Tensor, "tile fine_rows fine_cols 3"] | None = None,
        points_valid: Bool[Tensor, "tile fine_rows fine_cols"] | None = None,
        seconds: Float[Tensor, "tile"] | None = None,
    ) -> Float[Tensor, "tile rows cols channel"]:
        """Encode tiles or frames, and add where (canonical points) and when (seconds) each feature was seen.

        A model that encodes the motion of regions has two more channels: the flow to the next frame.

        Source: SR-3D section 3.1, position encoding before the projector; 4D-RGPT equation 5.
        """
        pixels = pixel_values.to(self.dtype)
        portions = (pixels,) if torch.is_grad_enabled() else pixels.split(TILES_AT_ONCE)
        features = torch.cat([self.vision_tower(portion) for portion in portions])
        if self.grid_encoding is not None:
            features = self.grid_encoding(features)
        if self.position_encoding is not None and points is not None:
            features = features + self.position_encoding(points, points_valid).to(features)
        if self.config.timestamp_encoding == "before_projector" and seconds is not None:
            features = features + self._timestamps(seconds, features)
        if self.config.region_motion_encoding:
            features = torch.cat([features, frame_flow(pixels, *features.shape[1:3]).to(features)], -1)
        return features

    def embed(
        self, input_ids: Int64[Tensor, "batch token"], visual: VisualInputs
    ) -> Float[Tensor, "batch token hidden"]:
        """Embed text, and put visual, region, camera and scale tokens in the places of their placeholders."""
        config = self.config
        ids = [config.image_token_id, config.region_token_id, config.camera_token_id, config.scale_token_id]
        ids += [] if config.depth_token_id is None else [config.depth_token_id]
        placeholder = torch.isin(input_ids, input_ids.new_tensor(ids))
        embeds: Tensor = self.get_input_embeddings()(input_ids.masked_fill(placeholder, 0))
        features = visual.features
        if features is None:
            if visual.pixel_values is None:
                return embeds
            features = self.encode_tiles(visual.pixel_values, visual.points, visual.points_valid, visual.seconds)
        flow = None
        if config.region_motion_encoding:
            features, flow = features[..., :-2], features[..., -2:]
        coarse = features
        if isinstance(self.region_extractor, RegionGPTExtractor):
            features = self.region_extractor.refine(features)
            coarse = self.region_extractor.coarse(features)
        tokens = self._visual_tokens(coarse, visual)
        embeds = _fill(embeds, input_ids == config.image_token_id, tokens, "visual")
        masks = _region_masks(visual)
        if masks is not None:
            read = (features, masks) if flow is None else (features, masks, flow)  # RegionGPT's takes no flow
            regions = self.region_extractor(*read)[visual.region_mentions]
            embeds = _fill(embeds, input_ids == config.region_token_id, regions, "region")
            if (
                isinstance(self.region_extractor, RegionGPTExtractor)
                and config.depth_token_id is not None
                and visual.depth_values is not None
            ):
                depth = self.vision_tower(visual.depth_values.to(self.dtype))
                regions = self.region_extractor.depth_tokens(depth, masks)[visual.region_mentions]
                embeds = _fill(embeds, input_ids == config.depth_token_id, regions, "depth")
        if self.camera_token is not None:
            slots = input_ids == config.camera_token_id
            embeds = _fill(embeds, slots, self._camera_tokens(int(slots.sum()), visual), "camera")
        if self.scale_encoding is not None and visual.scene_scale is not None:
            scales = self.scale_encoding(visual.scene_scale, visual.scale_known)
            embeds = _fill(embeds, input_ids == config.scale_token_id, scales, "scale")
        return embeds

    def _visual_tokens(
        self, features: Float[Tensor, "tile rows cols channel"], visual: VisualInputs
    ) -> Float[Tensor, "visual_token hidden"]:
        """Project the features of tiles, in the order of their placeholders (the global path of SR-3D Figure 2)."""
        if visual.tile_mentions is not None and not len(visual.tile_mentions):
            return features.new_zeros(0, self.config.text_config.get_text_config().hidden_size)
        tokens: Tensor = self.projector(features)
        if self.config.timestamp_encoding == "after_projector" and visual.seconds is not None:
            tokens = tokens + self._timestamps(visual.seconds, tokens)
        if visual.tile_mentions is not None:
            tokens = tokens[visual.tile_mentions]
        in_order: Tensor = rearrange(tokens, "t r c d -> (t r c) d")
        return in_order

    def _camera_tokens(self, count: int, visual: VisualInputs) -> Float[Tensor, "camera hidden"]:
        """Repeat the learned camera token, and add where each camera is, if that is known."""
        assert self.camera_token is not None
        tokens = self.camera_token.weight.expand(count, -1)
        centres, known = visual.camera_centres, visual.camera_known
        if self.position_encoding is not None and centres is not None and known is not None:
            tokens = tokens + self.camera_projector(self.position_encoding.encode(centres, known)).to(tokens)
        return tokens

    def forward(
        self,
        input_ids: Int64[Tensor, "batch token"] | None = None,
        attention_mask: Int64[Tensor, "batch seen"] | Bool[Tensor, "batch 1 token seen"] | None = None,
        position_ids: Int64[Tensor, "batch token"] | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Float[Tensor, "batch token hidden"] | None = None,
        labels: Int64[Tensor, "batch token"] | None = None,
        label_weights: Float[Tensor, "batch token"] | None = None,
        segment_ids: Int64[Tensor, "batch token"] | None = None,
        logits_to_keep: int | Int64[Tensor, "kept"] = 0,
        num_items_in_batch: int | Shaped[Tensor, ""] | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Answer: embed the prompt, run the language model (SR-3D Figure 2).

        With `labels`, logits are computed at supervised positions only, as (position, vocabulary), and the loss is the
        mean cross entropy there, or their sum over `num_items_in_batch`. Both weigh each position by `label_weights`.
        With `segment_ids` the batch is packed (see `models.sr3d.attention.packing`). `kwargs` are the fields of
        `VisualInputs`, and options of the language model.
        """
        visual, kwargs = VisualInputs.split(kwargs)
        if inputs_embeds is None:
            if input_ids is None:
                raise ValueError("give `input_ids` or `inputs_embeds`")
            inputs_embeds = self.embed(input_ids, visual)
        if segment_ids is not None:
            position_ids = packed_position_ids(segment_ids)
            backend = self.language_model.config._attn_implementation
            kwargs |= packed_arguments(backend, segment_ids, inputs_embeds.dtype)
            attention_mask = kwargs.pop("attention_mask")
        elif (
            position_ids is None and past_key_values is None and attention_mask is not None and attention_mask.ndim == 2
        ):
            position_ids = (attention_mask.cumsum(-1) - 1).clamp_min(0)
        outputs = self.language_model.base_model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            **kwargs,
        )
        hidden = outputs.last_hidden_state
        head = self.get_output_embeddings()
        loss = None
        if labels is None:
            kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
            logits = head(hidden[:, kept])
        else:
            # token t is predicted from token t - 1: a question precedes its answer, so both lie in one segment
            supervised = labels[:, 1:] != IGNORED
            logits = head(hidden[:, :-1][supervised])
            answers = labels[:, 1:][supervised]
            if label_weights is None:
                total = F.cross_entropy(logits.float(), answers, reduction="sum")
            else:
                losses = F.cross_entropy(logits.float(), answers, reduction="none")
                total = (losses * label_weights[:, 1:][supervised]).sum()
            loss = total / (logits.shape[0] if num_items_in_batch is None else num_items_in_batch)
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def prepare_inputs_for_generation(
        self, input_ids: Int64[Tensor, "batch token"], is_first_iteration: bool | None = False, **kwargs: Any
    ) -> dict[str, Any]:
        """Prepare one step of generation: the visual inputs take part in the first one only."""
        if kwargs.get("segment_ids") is not None:
            raise ValueError("a packed batch cannot be generated from: collate with packed=False")
        inputs: dict[str, Any] = super().prepare_inputs_for_generation(
            input_ids, is_first_iteration=is_first_iteration, **kwargs
        )
        if not is_first_iteration and kwargs.get("use_cache", True):
            inputs = without_visual(inputs)
        return inputs

    def _validate_model_kwargs(self, model_kwargs: dict[str, Any]) -> None:
        """Accept the visual inputs in `generate`: it looks for them in the signature of `forward`."""
        super()._validate_model_kwargs(without_visual(model_kwargs))

    def _expand_inputs_for_generation(
        self, expand_size: int = 1, is_encoder_decoder: bool = False, input_ids: Tensor | None = None, **kwargs: Any
    ) -> tuple[Tensor, dict[str, Any]]:
        """Repeat rows for beams and several return sequences; tiles and region masks stay, their mentions repeat."""
        visual, others = VisualInputs.split(kwargs)
        ids, others = super()._expand_inputs_for_generation(expand_size, is_encoder_decoder, input_ids, **others)
        seen = visual.pixel_values is not None or visual.features is not None
        if expand_size > 1 and seen and input_ids is not None:
            visual = visual.repeat_rows(input_ids, expand_size, self.config)
        return ids, {**others, **{name: value for name, value in vars(visual).items() if value is not None}}

    def _timestamps(self, seconds: Tensor, like: Tensor) -> Tensor:
        config = self.config
        code = timestamp_encoding(
            seconds,
            like.shape[-1],
            config.timestamp_base,
            config.timestamp_gain,
            config.timestamp_frequency,
            config.timestamp_log_from,
        )
        return code[:, None, None].to(like)


def _region_masks(visual: VisualInputs) -> RegionMasks | None:
    """Collect the masks of the regions of a batch."""
    masks, tile, index = visual.region_masks, visual.region_tile, visual.region_index
    if masks is None or tile is None or index is None:
        return None
    names = tuple(f"region {k}" for k in range(int(index.max()) + 1 if len(index) else 0))
    return RegionMasks(masks, tile, index, names)


def _fill(embeds: Tensor, slots: Tensor, values: Tensor, what: str) -> Tensor:
    """Put `values`, in order, where `slots` is true."""
    count = int(slots.sum())
    if count != values.shape[0]:
        raise ValueError(
            f"the prompt has {count} {what} placeholders, but there are {values.shape[0]} {what} tokens: "
            "make prompt and inputs with the same SR3DProcessor"
        )
    return embeds.masked_scatter(slots[..., None], values.to(embeds))


AutoModel.register(SR3DConfig, SR3DForConditionalGeneration, exist_ok=True)
AutoModelForCausalLM.register(SR3DConfig, SR3DForConditionalGeneration, exist_ok=True)
AutoModelForImageTextToText.register(SR3DConfig, SR3DForConditionalGeneration, exist_ok=True)
