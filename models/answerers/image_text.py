"""Models of transformers that read pictures and text, such as Qwen-VL, InternVL, LLaVA, PaliGemma and SmolVLM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from models.checkpoint_files import NO_CODE
from models.checkpoint_registry import checkpoint_folder
from models.queries.length import refuse_too_long
from models.queries.pointing import NAMES, TRACKS, Pointing
from models.queries.query import Query
from models.sr3d.answering import MAX_NEW_TOKENS
from models.sr3d.placement import Placement


class ImageTextModel:
    """A model of transformers with its processor, answering in batches by greedy decoding.

    A prompt is one turn of the model's chat template: all frames as pictures, then the question. A model without a
    template (PaliGemma) reads the placeholders of the pictures and the question. Regions are drawn on the frames that
    mark them, each with its number, and a question says "the region marked 0" instead of `<region0>` (set of marks,
    arXiv 2310.11441). Depth, cameras and timestamps are not shown.

    Args:
        model: model for pictures and text; or, with `blind`, for text.
        processor: its processor; of a model for text, its tokenizer.
        blind: show no picture: the baseline that reads the question alone.
    """

    def __init__(self, model: Any, processor: Any, blind: bool = False) -> None:
        self.model, self.processor, self.blind = model.eval(), processor, blind
        self._marks = Pointing(NAMES if blind else TRACKS)
        self.tokenizer: PreTrainedTokenizerBase = getattr(processor, "tokenizer", processor)
        self.tokenizer.padding_side = "left"  # an answer goes on where its prompt ends
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        device: str | None = None,
        dtype: str | None = None,
        bits: int | None = None,
        blind: bool = False,
    ) -> ImageTextModel:
        """Load a folder, or a model of the Hub; arguments are those of `Placement`.

        Raises:
            OSError: there is no such folder or model, or a file of it is missing.
            ValueError: it is not a model for pictures and text, or the placement is impossible.
        """
        placed = Placement(device, dtype, bits).arguments()
        path = checkpoint_folder(folder)
        kind = AutoConfig.from_pretrained(path, **NO_CODE).model_type
        sees = kind in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
        if not sees and not blind:
            raise ValueError(f"'{folder}' ({kind}) reads no pictures: write text:{folder} for a baseline without them")
        auto = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        model = auto.from_pretrained(path, use_safetensors=True, **NO_CODE, **placed)
        return cls(model, AutoProcessor.from_pretrained(path, **NO_CODE), blind)

    def answer(
        self, queries: Sequence[Query], batch_size: int = 64, max_new_tokens: int | None = None
    ) -> Iterator[str]:
        """Answer in the order of the queries, one text each."""
        for start in range(0, len(queries), batch_size):
            yield from self._answer_batch(queries[start : start + batch_size], max_new_tokens)

    @torch.inference_mode()
    def _answer_batch(self, queries: Sequence[Query], max_new_tokens: int | None) -> list[str]:
        limit = max_new_tokens or self.model.generation_config.max_new_tokens or MAX_NEW_TOKENS
        queries = [self._marks.apply(query) for query in queries]
        shown = [[] if self.blind else pictures(query) for query in queries]
        prompts = [self._prompt(query, len(frames)) for query, frames in zip(queries, shown, strict=True)]
        inputs = self._inputs(prompts, shown)
        refuse_too_long(inputs["input_ids"].shape[1], self.model.config)
        greedy = {"do_sample": False, "num_beams": 1, "temperature": None, "top_p": None, "top_k": None}
        made = self.model.generate(**inputs, max_new_tokens=limit, **greedy)
        new = made[:, inputs["input_ids"].shape[1] :]
        return [text.strip() for text in self.tokenizer.batch_decode(new, skip_special_tokens=True)]

    def _inputs(self, prompts: list[str], shown: list[list[Image.Image]]) -> Any:
        given: dict[str, Any] = {"padding": True, "return_tensors": "pt"}
        if self.tokenizer.bos_token and prompts[0].startswith(self.tokenizer.bos_token):
            given["add_special_tokens"] = False  # the template has written it
        if self.blind:  # some processors refuse text without pictures
            return self.tokenizer(prompts, **given).to(self.model.device)
        inputs = self.processor(text=prompts, images=shown, **given)
        inputs.pop("labels", None)  # PaliGemma's processor is made for training, too
        return inputs.to(self.model.device, dtype=self.model.dtype)

    def _prompt(self, query: Query, frames: int) -> str:
        text = query.text
        template = getattr(self.processor, "chat_template", None) or getattr(self.tokenizer, "chat_template", None)
        if template is None:
            placeholder = getattr(self.processor, "image_token", "") if frames else ""
            return placeholder * frames + text
        content: Any = text
        if self.processor is not self.tokenizer:
            content = [*([{"type": "image"}] * frames), {"type": "text", "text": text}]
        turn = [{"role": "user", "content": content}]
        return str(self.processor.apply_chat_template(turn, add_generation_prompt=True, tokenize=False))


def pictures(query: Query) -> list[Image.Image]:
    """Take the frames of a clip as pictures."""
    return [Image.fromarray(frame.permute(1, 2, 0).cpu().numpy()) for frame in query.clip.video]
