"""A golden: prompts, and what another stack answered. `benchmarks.parity.record_golden` writes one.

It is a folder of `golden.json` and `golden.safetensors`. The JSON has `dtype` (float32 where it is missing),
`max_new_tokens` (as many as there are where it is missing) and `prompts`. Each has `name`, `parts` (texts, and numbers
of media) or `turns` (pairs of a role, "human" or "gpt", and parts), and `media` (`kind`: image or video, and of a video
`seconds` where the checkpoint is told them). The tensors of a prompt begin with its name and a dot:

| tensor | shape | |
| --- | --- | --- |
| `media.K` | height, width, 3; of a video with time before | uint8 |
| `input_ids` | token | one media token for each tile or frame, or as many as it has visual tokens |
| `greedy_tokens` | new token | |
| `top_ids`, `top_logits` | new token, 5 | the best first; or `logits` (vocabulary) of the first new token |
| `greedy_margins` | new token | best logit minus second, where `top_logits` are not there |
| `hidden_states` | layer, hidden | last position of the prompt: embeddings, layers; the last with the final norm |
| `hidden_mean`, `hidden_rms` | layer, hidden | over positions; or `prompt_embeds` (position, hidden) |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int64
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.parity.hidden_states import HiddenStates
from models.sr3d.placement import DTYPES

ROLES = {"human": "user", "gpt": "assistant", "user": "user", "assistant": "assistant"}


@dataclass(frozen=True)
class RecordedPrompt:
    """A prompt and its answer. `top_logits` are in descending order, of the first new tokens; `hidden` may be None.

    `messages` are those of `SR3DProcessor.prepare_conversation`, and `seconds` the timestamps of a video. An answer of
    fewer than `max_new_tokens` tokens ended by itself.
    """

    name: str
    messages: Sequence[Mapping[str, Any]]
    seconds: Float[Tensor, "time"] | None
    input_ids: Int64[Tensor, "token"]
    tokens: Int64[Tensor, "new_token"]
    top_ids: Int64[Tensor, "step best"]
    top_logits: Float[Tensor, "step best"]
    margins: Float[Tensor, "new_token"] | None
    hidden: HiddenStates | None
    max_new_tokens: int

    def gap(self, step: int, token: int) -> float:
        """Bound from below by how many logits the recorded token is better than another one; 0 where unknown."""
        if step < len(self.top_logits):
            logits, where = self.top_logits[step], self.top_ids[step] == token
            return float(logits[0] - (logits[where][0] if where.any() else logits[-1]))
        return float(self.margins[step]) if self.margins is not None else 0.0


@dataclass(frozen=True)
class Golden:
    """Prompts in their order, and the dtype that they were answered in."""

    dtype: str
    prompts: tuple[RecordedPrompt, ...]

    @classmethod
    def read(cls, path: str | Path) -> Golden:
        """Read a folder, or one of its two files.

        Raises:
            FileNotFoundError: A file is missing.
            ValueError: A file is damaged or not in the format.
        """
        path = Path(path)
        file = path / "golden.json" if path.is_dir() else path.with_suffix(".json")
        for each in (file, file.with_suffix(".safetensors")):
            if not each.is_file():
                raise FileNotFoundError(f"no {each}: a golden is golden.json and golden.safetensors in one folder")
        try:
            about = json.loads(file.read_text())
            tensors = load_file(file.with_suffix(".safetensors"))
        except (json.JSONDecodeError, UnicodeDecodeError, SafetensorError) as error:
            raise ValueError(f"the golden {file} is damaged ({error}): record it again") from None
        try:
            prompts = tuple(_prompt(one, tensors, about.get("max_new_tokens")) for one in about["prompts"])
            dtype = about.get("dtype", "float32")
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} is not a golden ({error!r}): record one with record_golden.py") from None
        if dtype not in DTYPES or not prompts or not all(len(prompt.tokens) for prompt in prompts):
            raise ValueError(
                f"{file} has dtype {dtype!r} and {len(prompts)} prompts: a golden has one of {', '.join(DTYPES)} and "
                "prompts, each with an answer"
            )
        return cls(dtype, prompts)


def _prompt(entry: Mapping[str, Any], tensors: Mapping[str, Tensor], limit: int | None) -> RecordedPrompt:
    name = entry["name"]
    own = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
    if "logits" in own and "top_logits" not in own:
        logits, ids = own["logits"].float().sort(descending=True)
        logits, ids = logits[None], ids[None]
    else:
        logits, ids = own["top_logits"].float(), own["top_ids"].long()
    media = entry["media"]
    turns = entry.get("turns") or [["human", entry["parts"]]]
    seconds = [one["seconds"] for one in media if "seconds" in one]
    margins = own.get("greedy_margins")
    return RecordedPrompt(
        name=name,
        messages=[
            {"role": ROLES[role], "content": [_part(part, media, own) for part in parts]} for role, parts in turns
        ],
        seconds=torch.tensor(seconds[0]).float() if seconds else None,
        input_ids=own["input_ids"].long(),
        tokens=own["greedy_tokens"].long(),
        top_ids=ids,
        top_logits=logits,
        margins=None if margins is None else margins.float(),
        hidden=_hidden(own),
        max_new_tokens=limit or len(own["greedy_tokens"]),
    )


def _part(value: str | int, media: Sequence[Mapping[str, Any]], own: Mapping[str, Tensor]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"type": "text", "text": value}
    kind = media[value]["kind"]
    return {"type": kind, kind: own[f"media.{value}"].movedim(-1, -3)}


def _hidden(own: Mapping[str, Tensor]) -> HiddenStates | None:
    if "hidden_states" not in own:
        return None
    last = own["hidden_states"].float()
    if "hidden_mean" in own:
        mean, rms = own["hidden_mean"].float(), own["hidden_rms"].float()
        if not last.shape == mean.shape == rms.shape:
            raise TypeError(f"hidden_states, hidden_mean and hidden_rms of {own['hidden_mean'].shape} differ in shape")
        return HiddenStates(last, mean, rms)
    if "prompt_embeds" in own:
        return HiddenStates.over(own["prompt_embeds"].float()[None], last)
    return HiddenStates(last, last[:0], last[:0])
