"""The text of SR-3D's inputs: the visual prefix with its placeholders, questions that point at regions, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from models.spoken_numbers import format_number
from models.sr3d.text.mentions import mentioned, replace_mentions
from models.sr3d.text.tokenizer import CAMERA, DEPTH, IMAGE, REGION, SCALE

_SAID = "an answer that was given"
DURATION = "the time from the first picture to the last is {} s"


@dataclass(frozen=True)
class Prompt:
    """Lays out the tokens of a sample; the fields are those of `SR3DProcessor`.

    The prefix is: head of the template, scale token, and for each frame (for an image: once) a camera token, then the
    tokens of every tile, each followed by `tile_suffix` and `tile_text` (image) or by `frame_suffix` (video). The last
    `tile_text` belongs to the question, with which it is tokenized.
    """

    tokenizer: PreTrainedTokenizerBase
    template: str
    token_grid: int
    scale_token: bool
    camera_token: bool
    tile_text: str
    tile_suffix: Sequence[str]
    frame_suffix: Sequence[str]
    time_prompt: bool
    duration_line: str = ""

    def prefix(self, time: int, tiles: int, seconds: Float[Tensor, "time"] | None) -> Int64[Tensor, "token"]:
        """Lay out what comes before the question, for `time` frames of `tiles` tiles each; one frame is an image."""
        head = self._ids(self.template.split("{visual}")[0])
        if not self.duration_line:
            head = (*head, *self._ids(self._duration(DURATION, time, seconds)))
        text = self._ids(self.tile_text) if time == 1 else ()
        visual = [self.token(SCALE)] * self.scale_token
        for i in range(time * tiles):
            visual += [*self.tile(time == 1, i % tiles == 0), *text]
        return torch.tensor([*head, *visual[: len(visual) - len(text)]], dtype=torch.long)

    def line(self, time: int, seconds: Float[Tensor, "time"] | None) -> str:
        """Write what begins a question about `time` frames: the checkpoint's own line about their duration."""
        return self._duration(self.duration_line, time, seconds)

    def _duration(self, sentence: str, time: int, seconds: Float[Tensor, "time"] | None) -> str:
        if not self.time_prompt or time == 1:
            return ""
        if seconds is None:
            raise ValueError("this processor says how long a video takes: give its `seconds`")
        return sentence.format(format_number(float(seconds[-1] - seconds[0])))

    def tile(self, image: bool, first: bool) -> list[int]:
        """Lay out a tile of an image, or a frame of a video, and its suffix; a camera token precedes the first tile."""
        suffix = self.tile_suffix if image else self.frame_suffix
        visual = [self.token(CAMERA)] * (self.camera_token and first) + [self.token(IMAGE)] * self.token_grid**2
        return [*visual, *(i for text in suffix for i in self._ids(text))]

    def token(self, special: str) -> int:
        """Return the id of a special token."""
        return self._ids(special)[0]

    def question(
        self,
        text: str,
        regions: int,
        image: bool = False,
        depth: bool = False,
        before: str = "",
        further: bool = False,
    ) -> tuple[Int64[Tensor, "token"], Int64[Tensor, "mention"]]:
        """Tokenize a question behind a video or an `image`, and list the regions that it mentions, in order.

        Blanks at its end are dropped, as VILA drops them. With `depth` a second placeholder follows that of a region.
        `before` begins the question. A `further` question follows an answer instead.

        Raises:
            ValueError: the question is empty, mentions a region that was not given, or holds another tag.
        """
        mentions = mentioned(text, regions)
        if not text.strip():
            raise ValueError("a question is empty")
        region = f"{REGION} {DEPTH}" if depth else REGION
        question = (self.tile_text if image else "") + before + replace_mentions(text.rstrip(), region)
        template = self._between() if further else self.template.split("{visual}")[1]
        ids = self._ids(template.replace("{question}", question))
        reserved = {self.token(tag) for tag in (IMAGE, CAMERA, SCALE)}
        if not reserved.isdisjoint(ids) or ids.count(self.token(REGION)) != len(mentions):
            raise ValueError(f"a question points with <region0>, <region1>, ... and holds no other tag: {text!r}")
        return torch.tensor(ids), torch.tensor(mentions, dtype=torch.long)

    def head(self) -> Int64[Tensor, "token"]:
        """Lay out what comes before a question about no media; the end of a sequence where the template has nothing."""
        return torch.tensor(self._ids(self.template.split("{visual}")[0]) or [self.tokenizer.eos_token_id])

    def turns(
        self, turns: Sequence[tuple[str, str]], regions: int, image: bool = False, depth: bool = False, before: str = ""
    ) -> list[tuple[Int64[Tensor, "_"], Int64[Tensor, "_"], Int64[Tensor, "_"]]]:
        """Tokenize the turns of a conversation: each question with all that was said before it, and its answer.

        Arguments and errors are those of `question`.
        """
        said, pointed, every = torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long), []
        for place, (question, answer) in enumerate(turns):
            first = place == 0
            ids, mentions = self.question(question, regions, image and first, depth, before * first, not first)
            ids, pointed = torch.cat([said, ids]), torch.cat([pointed, mentions])
            every.append((ids, pointed, self.answer(answer)))
            said = torch.cat([ids, every[-1][2]])
        return every

    def _between(self) -> str:
        """Write what stands around a question that follows an answer: that of the chat template, where there is one."""
        if not self.tokenizer.chat_template:
            return self.template.split("{visual}")[1]
        contents = ("first", _SAID, "{question}")
        turns = [{"role": ("user", "assistant")[i % 2], "content": content} for i, content in enumerate(contents)]
        rendered = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return str(rendered.split(_SAID)[1].removeprefix(self.tokenizer.eos_token))

    def conversation(
        self, messages: Sequence[Mapping[str, Any]], media: Sequence[tuple[bool, int]], regions: int
    ) -> tuple[Int64[Tensor, "token"], Int64[Tensor, "mention"]]:
        """Tokenize a conversation that waits for an answer, and list the regions that it mentions, in order.

        `tile_text` follows the tiles of a single image alone, as in VILA. The scale token precedes the first tile.

        Args:
            messages: Of role and content, as chat templates of transformers take them. A content is a text, or a list
                of parts of the types `text`, `image` and `video`.
            media: Whether each is an image, and how many tiles (or frames) it has, in the order of the parts.
            regions: How many there are.

        Raises:
            ValueError: a message holds another part or a tag, or the tokenizer has no chat template.
        """
        after = self.tile_text if len(media) == 1 and media[0][0] else ""
        text = self.chat(messages, True, [(IMAGE + after) * count for _, count in media], regions)
        tiles = [self.tile(image, i == 0 or not image) for image, count in media for i in range(count)]
        if tiles and self.scale_token:
            tiles[0] = [self.token(SCALE), *tiles[0]]
        left = iter(tiles)
        tokens = [next(left) if i == self.token(IMAGE) else [i] for i in self._ids(replace_mentions(text, REGION))]
        return torch.tensor([i for ids in tokens for i in ids]), torch.tensor(
            mentioned(text, regions), dtype=torch.long
        )

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool,
        places: Sequence[str] | None = None,
        regions: int | None = None,
    ) -> str:
        """Render messages by the chat template; `places` stand for their media, by default one `<image>` each.

        Raises:
            ValueError: as `conversation`.
        """
        if not self.tokenizer.chat_template:
            raise ValueError("the tokenizer has no chat template for a conversation: ask single questions")
        left = iter(places) if places is not None else repeat(IMAGE)
        turns = []
        for message in messages:
            parts = content_parts(message["content"])
            text = "".join(self._text(part, regions) if part["type"] == "text" else next(left) for part in parts)
            turns.append({"role": message["role"], "content": text.strip()})
        rendered: str = self.tokenizer.apply_chat_template(
            turns, tokenize=False, add_generation_prompt=add_generation_prompt
        )
        return rendered

    def _text(self, part: Mapping[str, Any], regions: int | None) -> str:
        """Take the text of a part; it may mention regions, and hold no other tag of ours."""
        text = str(part["text"])
        if held := [tag for tag in (IMAGE, CAMERA, SCALE, REGION) if tag in text]:
            raise ValueError(f"a message holds {held[0]}: give images and videos as parts of its content")
        mentioned(text, regions)
        return text

    def answer(self, text: str) -> Int64[Tensor, "token"]:
        """Tokenize an answer, with the end of the sequence."""
        return torch.tensor([*self._ids(text), self.tokenizer.eos_token_id])

    def _ids(self, text: str) -> tuple[int, ...]:
        return token_ids(self.tokenizer, text)


def content_parts(content: str | Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Split the content of a message into parts; a text is one part."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


@lru_cache(maxsize=100_000)
def token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> tuple[int, ...]:
    """Tokenize without special tokens. Questions of a grammar recur: a look-up takes a hundredth of the time."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
