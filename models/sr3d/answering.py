"""Answering questions about regions of clips with a trained SR-3D."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase, TextIteratorStreamer

from models.checkpoint_registry import checkpoint_folder
from models.queries.length import refuse_too_long
from models.queries.pointing import TRACKS, Pointing
from models.queries.query import Footage, Query
from models.regions import Region
from models.sr3d.bases.exported import load_exported_model, load_exported_processor
from models.sr3d.bases.nvila import load_nvila_lite_model, load_nvila_lite_processor
from models.sr3d.inputs.processor import SR3DProcessor
from models.sr3d.inputs.sample import Sample
from models.sr3d.model import SR3DForConditionalGeneration
from models.sr3d.placement import Placement
from models.sr3d.seen_clips import Decoding, SeenClips
from models.sr3d.text.mentions import renumber

MAX_NEW_TOKENS = 512  # of a model that does not say
log = logging.getLogger(__name__)


class Answerer:
    """A model with its processor, answering in batches by greedy decoding.

    A model whose region extractor was never trained does not get region tokens, which would be random: regions are
    drawn on the frames, each with its number, and a question says "the region marked 0" instead of `<region0>`.

    All questions of a clip share one reading of it. Of the clip that was last asked about alone, features, keys and
    values stay in memory, so that a further question does not wait for them; neither the weights nor the clip may
    change in between. Threads take turns, one batch each.
    """

    def __init__(self, model: SR3DForConditionalGeneration, processor: SR3DProcessor) -> None:
        self.model = model.eval()
        self.processor = processor
        self._turn = threading.Lock()
        self._warned = False
        self._marks = Pointing(TRACKS)
        # for further questions about a clip: the one that was prepared last, and the one that was seen last
        self._prepared: tuple[Footage, list[Region], Sample] | None = None
        self._last: tuple[Sample, SeenClips] | None = None

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer of its prompts."""
        return self.processor.tokenizer

    @property
    def draws_regions(self) -> bool:
        """Whether regions are drawn on the frames, because the region extractor was never trained."""
        return not self.model.config.region_extractor_trained

    @property
    def guesses_scale(self) -> bool:
        """Whether lengths in answers are the model's own guess, whatever the scale of the depth (SpatialRGPT)."""
        return self.processor.one_picture

    @property
    def reads_depth(self) -> bool:
        """Whether depth and camera poses change its answers; those of a 2D model they do not."""
        return self.model.config.position_encoding or self.processor.depth_picture

    @classmethod
    def from_folder(
        cls, folder: str | Path, device: str | None = None, dtype: str | None = None, bits: int | None = None
    ) -> Answerer:
        """Load an exported checkpoint, or a folder in VILA's layout (NVILA-Lite: untrained regions and positions).

        Args:
            folder: Name of a shipped checkpoint, folder, or name of a model on the Hub.
            device: See `Placement`, as the two below.
            dtype: Of the weights.
            bits: 4 or 8, to quantise the language model.

        Raises:
            ImportError: bitsandbytes is missing.
            OSError: There is no such folder or model.
            ValueError: The folder does not hold an SR-3D, or the placement is impossible.
        """
        placed = Placement(device, dtype, bits).arguments()
        folder = checkpoint_folder(folder)
        processor = open_processor(folder)
        published = (folder / "llm").is_dir()
        load = load_nvila_lite_model if published else load_exported_model
        return cls(load(folder, **placed), processor)

    def answer(
        self, queries: Sequence[Query], batch_size: int = 64, max_new_tokens: int | None = None
    ) -> Iterator[str]:
        """Answer in the order of the queries, one text each.

        Answers are as long as the generation config of the model allows, by default 512 tokens; one that is cut there
        is logged.
        """
        for start in range(0, len(queries), batch_size):
            yield from self._answer_batch(queries[start : start + batch_size], max_new_tokens)

    def stream(self, query: Query, max_new_tokens: int | None = None) -> Iterator[str]:
        """Answer one question word by word: yields the text so far, last the whole answer, which is that of `answer`.

        Closing the iterator ends the decoding after the token that is being made.
        """
        words = TextIteratorStreamer(self.processor.tokenizer, skip_prompt=True, skip_special_tokens=True)
        closed = threading.Event()
        text = ""
        with ThreadPoolExecutor(1) as decoder:
            decoded = decoder.submit(self._answer_batch, [query], max_new_tokens, Decoding(words, closed))
            decoded.add_done_callback(lambda _: words.end())  # also where it failed
            try:
                for word in words:
                    text += word
                    if text.strip():
                        yield text.strip()
            finally:
                closed.set()
            yield decoded.result()[0]

    def _warn_of_regions(self) -> None:
        """Say how regions reach the model, where that is not by its own region tokens in a scene."""
        if self.draws_regions:
            log.warning("the region extractor was never trained: regions are drawn on the frames, with their numbers")
        elif self.model.config.region_pool == "regiongpt":
            log.warning(
                "SpatialRGPT sees one picture, 2D masks and %s: metric depth, poses and other frames are not used",
                "a picture of relative depth" if self.processor.depth_picture else "no depth",
            )

    @torch.inference_mode()
    def _answer_batch(
        self, queries: Sequence[Query], max_new_tokens: int | None, decoding: Decoding | None = None
    ) -> list[str]:
        limit = max_new_tokens or self.model.generation_config.max_new_tokens or MAX_NEW_TOKENS
        asked = [self._marks.apply(query) for query in queries] if self.draws_regions else queries
        groups = [list(group) for _, group in groupby(asked, key=lambda query: id(query.clip))]
        with self._turn:
            samples = [self._prepare(group) for group in groups]
            longest = max(len(sample.prefix) + len(text) for sample in samples for text in sample.questions)
            refuse_too_long(longest, self.model.config)
            new = self._see(samples).answer(self.model, self.processor, samples, limit, decoding)
        ends = torch.isin(new, torch.tensor(self.model.generation_config.eos_token_id, device=new.device)).any(1)
        if cut := int((~ends).sum()) if new.shape[1] == limit else 0:
            log.warning("%d of %d answers were cut after %d tokens: raise max_new_tokens", cut, len(queries), limit)
        if not self._warned and any(query.regions for query in queries):
            self._warned = True
            self._warn_of_regions()  # only now: what is refused is one line
        return [text.strip() for text in self.processor.batch_decode(new, skip_special_tokens=True)]

    def forget(self) -> None:
        """Forget the clip that was asked about last: a further question reads it anew."""
        self._prepared = self._last = None

    def _see(self, samples: Sequence[Sample]) -> SeenClips:
        """Look at the clips, unless it is the one clip that was looked at last."""
        alone = samples[0] if len(samples) == 1 else None
        if self._last is None or alone is None or not alone.shows_the_same(self._last[0]):
            self._last = None  # free its memory first
            seen = SeenClips.see(self.model, self.processor, samples)
            if alone is None:
                return seen
            self._last = alone, seen
        return self._last[1]

    def _prepare(self, queries: Sequence[Query]) -> Sample:
        """Prepare a clip once for all its questions; a region that several questions point at is packed once."""
        clip = queries[0].clip
        regions = list({id(region): region for query in queries for region in query.regions}.values())
        place = {id(region): number for number, region in enumerate(regions)}
        texts = [renumber(query.text, [place[id(region)] for region in query.regions]) for query in queries]
        if self._prepared is not None:
            last, its_regions, sample = self._prepared
            if last is clip and list(map(id, its_regions)) == list(map(id, regions)):
                return self.processor.with_questions(sample, texts, clip.seconds)
        sample = self.processor.prepare(
            video=clip.video,
            points=clip.points(),
            world_T_cam=clip.world_T_cam,
            seconds=clip.seconds,
            scale_known=clip.metric,
            regions=regions,
            questions=texts,
        )
        self._prepared = clip, regions, sample
        return sample


def open_processor(folder: str | Path) -> SR3DProcessor:
    """Open the processor of a checkpoint: a shipped name, an exported folder, or a folder in VILA's layout.

    Raises:
        FileNotFoundError: a file of the folder is missing.
        ValueError: the folder does not hold an SR-3D, or a setting is not known here.
    """
    folder = checkpoint_folder(folder)
    if (folder / "llm").is_dir():
        return load_nvila_lite_processor(folder)
    return load_exported_processor(folder)
