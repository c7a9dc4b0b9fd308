"""What a model remembers of clips, so that all questions about a clip share the reading of it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from transformers import Cache, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList
from transformers.generation.streamers import BaseStreamer

from models.sr3d.inputs.collate import collate_regions, collate_text
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.inputs.sample import Sample
from models.sr3d.inputs.visual_inputs import VisualInputs
from models.sr3d.model import SR3DForConditionalGeneration


class FiniteLogits(LogitsProcessor):
    """Refuses logits that are not finite, and finds the weight that made them so. Weights are searched only then."""

    def __init__(self, model: SR3DForConditionalGeneration) -> None:
        self.model = model

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the logits as they are.

        Raises:
            ValueError: A logit is NaN or infinite (-inf may stand for a token that is not allowed).
        """
        if bool((scores.isnan() | scores.isposinf()).any()):
            refuse_weights_not_finite(self.model)
            raise ValueError(
                "the model's logits are NaN or infinite, though its weights are finite: try --dtype float32"
            )
        return scores


def refuse_weights_not_finite(model: SR3DForConditionalGeneration) -> None:
    """Raise ValueError for the first weight that is NaN or infinite; those of `device_map` on the disk are skipped."""
    for name, weight in model.state_dict().items():
        if weight.is_floating_point() and not weight.is_meta and not bool(weight.isfinite().all()):
            raise ValueError(
                f"the weight {name} of the checkpoint is NaN or infinite at {int((~weight.isfinite()).sum())} of "
                f"{weight.numel()} places: get it again"
            )


@dataclass(frozen=True)
class Decoding:
    """One answer that is followed while it is decoded: where its tokens go, and what ends it early."""

    streamer: BaseStreamer
    closed: threading.Event


class Closed(StoppingCriteria):
    """Ends the decoding once an event is set."""

    def __init__(self, closed: threading.Event) -> None:
        self.closed = closed

    def __call__(self, input_ids: Tensor, scores: Tensor | None, **kwargs: Any) -> Bool[Tensor, "question"]:
        """Say for every question whether it ends here."""
        return input_ids.new_full((len(input_ids),), self.closed.is_set(), dtype=torch.bool)


@dataclass(frozen=True)
class SeenClips:
    """Features of the tiles, and keys and values of the prompt before the questions, one row a clip.

    Prompts of different lengths are padded on the left.
    """

    features: Float[Tensor, "tile rows cols channel"]
    cache: Cache
    attention_mask: Int64[Tensor, "clip token"]

    @classmethod
    def see(cls, model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: Sequence[Sample]) -> SeenClips:
        """Run the model on the clips, without their questions."""
        none = torch.zeros(0, dtype=torch.long)
        bare = [replace(sample, questions=(none,), mentions=(none,), answers=None) for sample in samples]
        batch = processor.collate(bare, packed=False, pad_side="left").to(model.device)
        visual, _ = VisualInputs.split(batch)
        assert visual.pixel_values is not None  # a clip has frames
        features = model.encode_tiles(visual.pixel_values, visual.points, visual.points_valid, visual.seconds)
        unread = dict.fromkeys(("pixel_values", "depth_values", "points", "points_valid", "region_masks"))
        seen = replace(visual, **unread, features=features)
        prompts = {name: batch[name] for name in ("input_ids", "attention_mask")}
        outputs = model(**prompts, **vars(seen), use_cache=True, logits_to_keep=1)
        return cls(features, outputs.past_key_values, batch["attention_mask"])

    def answer(
        self,
        model: SR3DForConditionalGeneration,
        processor: SR3DProcessor,
        samples: Sequence[Sample],
        max_new_tokens: int,
        decoding: Decoding | None = None,
    ) -> Int64[Tensor, "question new_token"]:
        """Answer all questions of the clips, by greedy decoding.

        Args:
            model: The one that saw the clips.
            processor: Of the model.
            samples: The clips in the same order, with their questions.
            max_new_tokens: Longest answer.
            decoding: Follows the answer, where there is one question alone.
        """
        questions = [replace(sample, prefix=sample.prefix[:0]) for sample in samples]
        batch, owner = collate_text(questions, packed=False, pad_side="left", pad_id=processor.tokenizer.pad_token_id)
        batch = {
            name: value.to(model.device)
            for name, value in {
                **batch,
                **collate_regions(questions, processor.image_mean, processor.image_std),
            }.items()
        }
        owner = owner.to(model.device)
        batch["attention_mask"] = torch.cat([self.attention_mask[owner], batch["attention_mask"]], 1)
        cache = copy.deepcopy(self.cache)  # generation adds to it
        cache.batch_select_indices(owner)
        tokens = model.generate(
            **batch,
            features=self.features,
            tile_mentions=owner[:0],
            past_key_values=cache,
            max_new_tokens=max_new_tokens,
            do_sample=False,
            logits_processor=LogitsProcessorList([FiniteLogits(model)]),
            streamer=None if decoding is None else decoding.streamer,
            stopping_criteria=StoppingCriteriaList([] if decoding is None else [Closed(decoding.closed)]),
        )
        new: Tensor = tokens[:, batch["input_ids"].shape[1] :]
        return new
