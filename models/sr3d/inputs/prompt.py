"""The text of SR-3D's inputs: the visual prefix with its placeholders, questions that point at regions, answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from models.spoken_numbers import format_number
from models.sr3d.inputs.mentions import mentioned, replace_mentions
from models.sr3d.inputs.tokenizer import CAMERA, IMAGE, REGION, SCALE

DURATION = "the time from the first picture to the last is {} s"


@dataclass(frozen=True)
class Prompt:
    """Lays out the tokens of a sample; the fields are those of `SR3DProcessor`.

    The prefix is: head of the template, scale token, and for each frame (for an image: once) a camera token, then the
    tokens of every tile, each followed by `tile_suffix` (image) or `frame_suffix` (video).
    """

    tokenizer: PreTrainedTokenizerBase
    template: str
    token_grid: int
    scale_token: bool
    camera_token: bool
    tile_suffix: Sequence[str]
    frame_suffix: Sequence[str]
    time_prompt: bool

    def prefix(self, time: int, tiles: int, seconds: Float[Tensor, "time"] | None) -> Int64[Tensor, "token"]:
        """Lay out what comes before the question, for `time` frames of `tiles` tiles each; one frame is an image."""
        suffix = self.tile_suffix if time == 1 else self.frame_suffix
        frame = [CAMERA] * self.camera_token + [*[IMAGE] * self.token_grid**2, *suffix] * tiles
        tokens = [SCALE] * self.scale_token + frame * time
        head = self._ids(self.template.split("{visual}")[0])
        if self.time_prompt and time > 1:
            if seconds is None:
                raise ValueError("this processor says how long a video takes: give its `seconds`")
            head = (*head, *self._ids(DURATION.format(format_number(float(seconds[-1] - seconds[0])))))
        return torch.tensor([*head, *(i for token in tokens for i in self._ids(token))], dtype=torch.long)

    def question(self, text: str, regions: int) -> tuple[Int64[Tensor, "token"], Int64[Tensor, "mention"]]:
        """Tokenize a question, and list the regions that it mentions, in order.

        Raises:
            ValueError: the question is empty, mentions a region that was not given, or holds another tag.
        """
        mentions = mentioned(text, regions)
        if not text.strip():
            raise ValueError("a question is empty")
        body = self.template.split("{visual}")[1].replace("{question}", replace_mentions(text, REGION))
        ids = self._ids(body)
        reserved = {self._ids(token)[0] for token in (IMAGE, CAMERA, SCALE)}
        if not reserved.isdisjoint(ids) or ids.count(self._ids(REGION)[0]) != len(mentions):
            raise ValueError(f"a question points with <region0>, <region1>, ... and holds no other tag: {text!r}")
        return torch.tensor(ids), torch.tensor(mentions, dtype=torch.long)

    def answer(self, text: str) -> Int64[Tensor, "token"]:
        """Tokenize an answer, with the end of the sequence."""
        return torch.tensor([*self._ids(text), self.tokenizer.eos_token_id])

    def _ids(self, text: str) -> tuple[int, ...]:
        return token_ids(self.tokenizer, text)


@lru_cache(maxsize=100_000)
def token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Tokenize without special tokens. Questions of a grammar recur: a look-up takes a hundredth of the time."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
