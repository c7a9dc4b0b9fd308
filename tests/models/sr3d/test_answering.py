import copy
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from models.queries.query import Query
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from models.sr3d.answering import Answerer, open_processor
from models.sr3d.text.mentions import renumber
from scenes.questions import ask_about, grammar_texts, region_of
from scenes.worlds import WorldConfig, make_world, render
from tests.support.folders.nvila_folder import write_nvila


@pytest.fixture(scope="module")
def answerer() -> Answerer:
    torch.manual_seed(0)
    config = SR3DConfig(grid_encoding=True, eos_token_id=1, pad_token_id=0)
    model = SR3DForConditionalGeneration(config)
    with torch.no_grad():  # wide weights, so that answers differ from question to question
        for parameter in model.parameters():
            parameter.mul_(3)
    return Answerer(model, SR3DProcessor.from_config(config, train_tokenizer(grammar_texts())))


@pytest.fixture(scope="module")
def queries() -> list[Query]:
    clips = render([make_world(seed, WorldConfig(frames=2)) for seed in range(3)], "cpu", ())
    generator = torch.Generator().manual_seed(0)
    return [
        Query(clip, [region_of(clip, o) for o in question.objects], question.text)
        for clip in clips
        for question in ask_about(clip, generator, categories=("nearer_camera", "distance", "nearer_region"), total=4)
    ]


def test_questions_answered_together_are_answered_as_alone(answerer: Answerer, queries: list[Query]) -> None:
    together = list(answerer.answer(queries, batch_size=5, max_new_tokens=3))
    alone = [next(answerer.answer([query], max_new_tokens=3)) for query in queries]
    assert together == alone
    assert len(set(together)) > 1


def test_an_answer_holds_no_special_token(answerer: Answerer, queries: list[Query]) -> None:
    assert all("<" not in answer for answer in answerer.answer(queries, max_new_tokens=8))


def test_an_exported_folder_answers_the_same(answerer: Answerer, queries: list[Query], tmp_path: Path) -> None:
    answerer.model.save_pretrained(tmp_path)
    answerer.processor.save_pretrained(tmp_path)
    again = Answerer.from_folder(tmp_path, "cpu")
    assert list(again.answer(queries[:4], max_new_tokens=3)) == list(answerer.answer(queries[:4], max_new_tokens=3))


def test_a_folder_without_a_model_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        Answerer.from_folder(tmp_path)


def test_regions_are_renumbered_by_place() -> None:
    assert renumber("<region1> or <region0>?", [4, 7]) == "<region7> or <region4>?"
    with pytest.raises(ValueError, match="<region2>"):
        renumber("<region2>", [4, 7])


def test_an_nvila_folder_says_how_many_frames_of_a_video_it_was_trained_with(tmp_path: Path) -> None:
    assert open_processor(write_nvila(tmp_path / "nvila")).video_frames == 8
    assert open_processor("sr3d_tiny_3d").video_frames is None


def test_an_answer_that_is_cut_is_logged(
    answerer: Answerer, queries: list[Query], caplog: pytest.LogCaptureFixture
) -> None:
    list(answerer.answer(queries[:4], max_new_tokens=2))
    assert "4 of 4 answers were cut after 2 tokens" in caplog.text


def test_a_question_that_is_longer_than_the_model_reads_is_refused(answerer: Answerer, queries: list[Query]) -> None:
    long = replace(queries[0], text=queries[0].text + " really" * 5000)
    with pytest.raises(ValueError, match=r"take \d+,\d{3} tokens, and the model reads 4,096: use fewer words or fewer"):
        next(answerer.answer([long]))


def test_an_untrained_region_extractor_is_not_asked(
    answerer: Answerer, queries: list[Query], caplog: pytest.LogCaptureFixture
) -> None:
    untrained = Answerer(copy.deepcopy(answerer.model), answerer.processor)
    untrained.model.config.region_extractor_trained = False
    answers = list(untrained.answer(queries, max_new_tokens=3))
    for parameter in untrained.model.region_extractor.parameters():
        parameter.data.normal_()
    assert list(untrained.answer(queries, max_new_tokens=3)) == answers
    assert "the region extractor was never trained: regions are drawn on the frames" in caplog.text


def test_a_streamed_answer_grows_to_the_whole_one(answerer: Answerer, queries: list[Query]) -> None:
    for query in queries[:4]:
        (whole,) = answerer.answer([query], max_new_tokens=8)
        *parts, last = answerer.stream(query, max_new_tokens=8)
        assert last == whole
        assert all(longer.startswith(shorter) for shorter, longer in pairwise([*parts, last]))
        assert len(set(parts)) > 2


def test_closing_a_streamed_answer_ends_the_decoding(answerer: Answerer, queries: list[Query]) -> None:
    tokens = []
    hook = answerer.model.register_forward_hook(lambda *_: tokens.append(time.sleep(0.01)))
    try:
        answer = answerer.stream(queries[0], max_new_tokens=400)
        next(answer)
        answer.close()
        ended = len(tokens)
        time.sleep(0.1)
    finally:
        hook.remove()
    assert len(tokens) == ended < 40
    assert next(answerer.answer(queries[:1], max_new_tokens=3))


def test_an_error_ends_a_streamed_answer(answerer: Answerer, queries: list[Query]) -> None:
    broken = Answerer(copy.deepcopy(answerer.model), answerer.processor)
    broken.model.get_output_embeddings().weight.data[5, 0] = torch.nan
    with pytest.raises(ValueError, match="is NaN or infinite"):
        list(broken.stream(queries[0]))


def test_threads_take_turns(answerer: Answerer, queries: list[Query]) -> None:
    alone = [next(answerer.answer([query], max_new_tokens=6)) for query in queries]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda query: [*answerer.stream(query, 6)][-1], queries))
    assert together == alone
