"""The model `region4d` of lmms-eval: whatever `region4d bench` can ask, asked by its tasks and ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lmms_eval.api.instance import Instance
from lmms_eval.api.model import lmms
from rich.progress import track

from models.answerers.names import open_answers
from models.queries.query import Query
from region4d.lmms_eval.documents import is_ours, query_of
from region4d.lmms_eval.visuals import open_visuals

FRAMES = 4  # of a video, where neither the checkpoint nor `frames` says
GREEDY = {"do_sample": (False, None), "temperature": (0, None), "num_beams": (1, None)}


class Region4D(lmms):
    """Answers the requests of lmms-eval in their order, in batches.

    A document of our own tasks brings its clip with geometry, and its regions. Of another task, the model gets the
    videos or pictures that the task shows, without geometry or regions.

    Args:
        pretrained: as `model=` of `region4d bench`: an SR-3D, a model of transformers, text:NAME or constant:TEXT.
        frames: frames of a video of another task; by default as many as the checkpoint was trained with, else 4.
        batch_size: questions that are answered together.
        device: as of `region4d.load`, as the two below.
        dtype: of the weights.
        bits: 4 or 8, to quantise the language model.

    Raises:
        ImportError: bitsandbytes is missing.
        OSError: there is no such folder or model.
        ValueError: the folder holds no model that answers, a number is not one, or the placement is impossible.
    """

    def __init__(
        self,
        pretrained: str = "sr3d_tiny_3d",
        frames: int | str | None = None,
        batch_size: int | str = 1,
        device: str | None = None,
        dtype: str | None = None,
        bits: int | str | None = None,
        max_batch_size: int | None = None,
    ) -> None:
        super().__init__()
        if max_batch_size is not None:
            raise ValueError("the model region4d finds no batch size by itself: give --batch_size N alone")
        self.batch_size = _whole("batch_size", batch_size)
        self.answers = open_answers(pretrained, device, dtype, None if bits is None else _whole("bits", bits))
        processor = getattr(self.answers, "processor", None)
        self.frames = FRAMES if frames is None else _whole("frames", frames)
        if frames is None:
            self.frames = getattr(processor, "video_frames", None) or FRAMES

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """Answer by greedy decoding, one text a request; each ends before the first of the texts in `until`.

        Requests are answered together where they have one `max_new_tokens`.

        Raises:
            FileNotFoundError: a video does not exist.
            ValueError: a task asks for sampling or beams, or shows what is neither video nor picture.
        """
        by_length: dict[int | None, list[int]] = {}
        for place, request in enumerate(requests):
            _refuse_unknown_decoding(request.args[1])
            by_length.setdefault(request.args[1].get("max_new_tokens") or None, []).append(place)
        batches = [
            (longest, places[start : start + self.batch_size])
            for longest, places in by_length.items()
            for start in range(0, len(places), self.batch_size)
        ]
        answered: dict[int, str] = {}
        for longest, places in track(batches, "answering"):
            texts = self._answer([requests[place] for place in places], longest)
            answered |= zip(places, texts, strict=True)
        return [answered[place] for place in range(len(requests))]

    def _answer(self, batch: Sequence[Instance], longest: int | None) -> Iterator[str]:
        queries = [self._query(request) for request in batch]
        texts = self.answers.answer(queries, len(queries), longest)
        for request, text in zip(batch, texts, strict=True):
            setting = request.args[1]
            ends = setting.get("until") or []
            for end in [ends] if isinstance(ends, str) else ends:
                text = text.partition(end)[0] if end else text
            self.cache_hook.add_partial("generate_until", (request.args[0], setting), text)
            yield text

    def _query(self, request: Instance) -> Query:
        context, _, show, number, task, split = request.args
        document: Mapping[str, Any] = self.task_dict[task][split][number]
        if is_ours(document):
            return query_of(document)
        return Query(open_visuals(show(document) or [], self.frames), [], context.replace("<image>", "").strip())

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Refuse: a model answers in words here."""
        raise NotImplementedError("region4d answers in words and gives no likelihoods: choose a generate_until task")

    def generate_until_multi_round(self, requests: list[Instance]) -> list[str]:
        """Refuse: each question is answered on its own."""
        raise NotImplementedError("region4d answers each question on its own: choose a task of one round")


def _whole(name: str, value: int | str) -> int:
    """Read a whole number, 1 or more, of the words of a command line."""
    if not str(value).isdigit() or int(value) < 1:
        raise ValueError(f"{name}={value} is not a whole number, 1 or more")
    return int(value)


def _refuse_unknown_decoding(settings: Mapping[str, Any]) -> None:
    for name, allowed in GREEDY.items():
        if settings.get(name) not in allowed:
            raise ValueError(
                f"the task asks for {name}={settings[name]}, and region4d decodes greedily: give "
                f"--gen_kwargs temperature=0,do_sample=False,num_beams=1"
            )
