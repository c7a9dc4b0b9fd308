"""A clip is read once for all its questions, and the answers are those of whole prompts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.queries.query import Query
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from models.sr3d.answering import Answerer
from models.sr3d.inputs.sample import Sample
from models.sr3d.seen_clips import SeenClips
from scenes.questions import ask_about, grammar_texts, region_of
from scenes.worlds import WorldConfig, make_world, render

OF_MASKS = {"region_pool": "trajectory", "region_mask_encoding": True, "region_motion_encoding": True}


@pytest.fixture(
    scope="module",
    params=[("float32", {}), ("bfloat16", {}), ("float32", OF_MASKS)],
    ids=["float32", "bfloat16", "masks and motion"],
)
def answerer(request: pytest.FixtureRequest) -> Answerer:
    dtype, options = request.param
    torch.manual_seed(0)
    model = SR3DForConditionalGeneration(
        SR3DConfig(grid_encoding=True, timestamp_encoding="after_projector", **options)
    )
    with torch.no_grad():  # wide weights, so that answers differ from question to question
        for parameter in model.parameters():
            parameter.mul_(3)
    processor = SR3DProcessor.from_config(model.config, train_tokenizer(grammar_texts()))
    return Answerer(model.to(getattr(torch, dtype)), processor)


@pytest.fixture(scope="module")
def queries() -> list[list[Query]]:
    """Questions of three clips of 2, 3 and 4 frames, whose prompts differ in length."""
    generator = torch.Generator().manual_seed(0)
    return [
        [
            Query(clip, [region_of(clip, o) for o in question.objects], question.text)
            for question in ask_about(clip, generator, categories=("distance", "nearer_camera", "colour"), total=5)
        ]
        for seed, frames in ((0, 2), (1, 3), (2, 4))
        for clip in render([make_world(seed, WorldConfig(frames=frames))], "cpu", ())
    ]


def prepared(answerer: Answerer, queries: list[list[Query]]) -> list[Sample]:
    return [answerer._prepare(group) for group in queries]


def test_answers_are_those_of_whole_prompts(answerer: Answerer, queries: list[list[Query]]) -> None:
    samples = prepared(answerer, queries)
    batch = answerer.processor.collate(samples, packed=False, pad_side="left")
    with torch.inference_mode():
        whole = answerer.model.generate(**batch, max_new_tokens=6, do_sample=False)[:, batch["input_ids"].shape[1] :]
        seen = SeenClips.see(answerer.model, answerer.processor, samples)
        shared = seen.answer(answerer.model, answerer.processor, samples, 6)
        again = seen.answer(answerer.model, answerer.processor, samples, 6)
    assert len(set(map(tuple, shared.tolist()))) > 3
    assert torch.equal(shared, again)
    if answerer.model.dtype == torch.float32:
        assert torch.equal(shared, whole)
    else:  # attention adds in another order, which half precision rounds
        assert (shared[:, 0] == whole[:, 0]).float().mean() > 0.8


def test_a_further_question_does_not_look_again(
    answerer: Answerer, queries: list[list[Query]], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    encode = answerer.model.encode_tiles

    def counted(*args: object) -> torch.Tensor:
        nonlocal looks
        looks += 1
        return encode(*args)

    monkeypatch.setattr(answerer.model, "encode_tiles", counted)
    first, second = queries[0], queries[1]
    together = list(answerer.answer(first, max_new_tokens=3))
    assert looks == 1
    same = [replace(query, regions=first[0].regions, text=first[0].text) for query in first[:2]]
    again = list(answerer.answer(same, max_new_tokens=3))
    if answerer.model.dtype == torch.float32:  # half precision rounds another batch otherwise
        assert again == [together[0]] * 2
    assert looks == 1
    copied = replace(first[1].clip, video=first[1].clip.video.clone())  # equal footage, read anew
    (one,) = answerer.answer([replace(first[1], clip=copied)], max_new_tokens=3)
    if answerer.model.dtype == torch.float32:
        assert one == together[1]
    assert looks == 1
    list(answerer.answer(second[:1], max_new_tokens=3))
    assert looks == 2
    darker = replace(first[1].clip, video=first[1].clip.video // 2)
    list(answerer.answer([replace(first[1], clip=darker)], max_new_tokens=3))
    assert looks == 3
