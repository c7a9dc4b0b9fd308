"""Recorded prompts run through a checkpoint as region4d loads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from benchmarks.parity.golden import Golden, RecordedPrompt
from benchmarks.parity.hidden_states import HiddenStates
from models.sr3d import Sample, SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.answering import Answerer
from models.sr3d.inputs.conversation import as_frames
from models.sr3d.text.tokenizer import IMAGE


@dataclass(frozen=True)
class Replay:
    """What the checkpoint makes of a prompt.

    `logits` are those behind the recorded tokens, so that a step does not suffer from an earlier one; `tokens` are
    generated greedily. `ids` and `tile_ids` are the prompt, with all visual tokens, and with one for each tile.
    """

    ids: list[int]
    tile_ids: list[int]
    logits: Float[Tensor, "step vocabulary"]
    hidden: HiddenStates
    tokens: Int64[Tensor, "new_token"]


def replay(
    folder: str | Path, golden: Golden, dtype: str, device: str | None = None, rounded: str | None = None
) -> Iterator[Replay]:
    """Run the prompts of a golden, in their order.

    Args:
        folder: As of `Answerer.from_folder`.
        golden: Recorded of the same checkpoint.
        dtype: Of the weights.
        device: See `models.sr3d.placement.Placement`.
        rounded: Dtype that weights, and the output of every module, are rounded to. The arithmetic stays that of
            `dtype`. This measures what that dtype costs.

    Raises:
        OSError: There is no such folder.
        ValueError: It holds no SR-3D, or the golden was recorded from another checkpoint.
    """
    answerer = Answerer.from_folder(folder, device, dtype)
    if rounded is not None:
        _round(answerer.model, getattr(torch, rounded))
    for prompt in golden.prompts:
        yield _replay(answerer.model, answerer.processor, prompt, rounded)


@torch.inference_mode()
def _replay(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, prompt: RecordedPrompt, rounded: str | None
) -> Replay:
    count = model.config.text_config.get_text_config().vocab_size
    if int(prompt.tokens.max()) >= count:
        raise ValueError(
            f"prompt '{prompt.name}' of the golden was answered with token {int(prompt.tokens.max())}, the checkpoint "
            f"has {count}: it was recorded from another checkpoint"
        )
    batch = processor.collate([prepare(processor, prompt)], packed=False)
    if rounded is not None and "pixel_values" in batch:
        batch["pixel_values"] = batch["pixel_values"].to(getattr(torch, rounded)).float()
    batch = batch.to(model.device)
    ids = batch["input_ids"]
    length = ids.shape[1]
    behind = prompt.tokens[None, :-1].to(ids)
    given: dict[str, Any] = {
        **batch,
        "input_ids": torch.cat([ids, behind], 1),
        "attention_mask": torch.cat([batch["attention_mask"], torch.ones_like(behind)], 1),
    }
    outputs = model(**given, output_hidden_states=True, logits_to_keep=len(prompt.tokens))
    states = torch.stack([layer[0, :length].float().cpu() for layer in outputs.hidden_states])
    tokens = model.generate(**batch, max_new_tokens=prompt.max_new_tokens, do_sample=False)[0, length:]
    return Replay(
        ids[0].tolist(),
        _by_tile(ids[0].tolist(), processor, model.num_vision_tokens),
        outputs.logits[0].float().cpu(),
        HiddenStates.over(states),
        tokens.cpu(),
    )


def prepare(processor: SR3DProcessor, prompt: RecordedPrompt) -> Sample:
    """Prepare a prompt: one text after one picture or video as a question, all others as a conversation."""
    content = prompt.messages[0]["content"]
    kinds = [part["type"] for message in prompt.messages for part in message["content"]]
    if len(kinds) == 2 and kinds[0] != "text" and kinds[1] == "text" and len(content) == 2:
        return processor.prepare(as_frames(content[0]), [content[1]["text"]], seconds=prompt.seconds)
    return processor.prepare_conversation(prompt.messages)


def _by_tile(ids: Sequence[int], processor: SR3DProcessor, each: int) -> list[int]:
    """Write a tile as VILA's ids have it: one media token for its visual tokens and the suffix of the encoder."""
    image = processor.prompt.token(IMAGE)
    tiles = [processor.prompt.tile(kind, False)[each:] for kind in (True, False)]  # of pictures, and of frames
    suffix = max((len(one) for one in tiles), default=0)
    short, at = [], 0
    while at < len(ids):
        short.append(ids[at])
        at += each + suffix if ids[at] == image else 1
    return short


def _round(model: nn.Module, dtype: torch.dtype) -> None:
    """Let a float32 model round its weights, and what each of its modules puts out, to another dtype."""
    for parameter in model.parameters():
        parameter.data = parameter.data.to(dtype).float()

    def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
        if isinstance(output, Tensor) and output.is_floating_point():
            return output.to(dtype).float()
        if type(output) is tuple:
            return tuple(hook(module, inputs, one) for one in output)
        return output

    for module in model.modules():
        module.register_forward_hook(hook)
