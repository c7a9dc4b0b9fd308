"""Samples of a file: what a model learns from it, their order, and that nothing of them is kept."""

from __future__ import annotations

import copy
import gc
import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from torch.utils.data import DataLoader

from models.queries.query import Query
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from models.sr3d.answering import Answerer
from models.sr3d.text.tokenizer import IMAGE, REGION
from tests.training.annotations.conftest import LINES
from training.annotations.files import AnnotationFile, mixed_weights
from training.annotations.media import open_annotation
from training.annotations.samples import AnnotatedFootage, AnnotatedSamples
from training.sr3d.finetuning import SupervisedFineTuning


def words() -> list[str]:
    return [text for line in LINES for turns in line["conversations"] for turn in turns for text in turn.values()]


@pytest.fixture(scope="module")
def model() -> SR3DForConditionalGeneration:
    torch.manual_seed(0)
    return SR3DForConditionalGeneration(SR3DConfig(grid_encoding=True, eos_token_id=1, pad_token_id=0))


@pytest.fixture(scope="module")
def processor(model: SR3DForConditionalGeneration) -> SR3DProcessor:
    return SR3DProcessor.from_config(model.config, train_tokenizer(words()))


def data(processor: SR3DProcessor, files: Any, **options: Any) -> AnnotatedFootage:
    return AnnotatedFootage(processor=processor, files=files, **{"batch_size": 6, "seed": 0, "frames": 4, **options})


def test_every_turn_is_learned_once_behind_what_was_said(annotated: Path, processor: SR3DProcessor) -> None:
    sample = AnnotatedSamples([AnnotationFile(annotated)], processor, 4)[0]
    assert sample.answers is not None
    decode = processor.tokenizer.decode
    assert [decode(answer, skip_special_tokens=True) for answer in sample.answers] == [
        "a red box",
        "the wall",
        "yes",
        "no",
    ]
    assert decode(sample.questions[2], skip_special_tokens=True) == "What is? a red box And? the wall Sure?"
    assert [mentions.tolist() for mentions in sample.mentions] == [[0], [0, 1], [0, 1], [1]]
    assert [decode(ids).count(REGION) for ids in sample.questions] == [1, 2, 2, 1]
    assert sample.scale is None  # depth of unknown scale


def test_a_text_has_no_visual_token(annotated: Path, processor: SR3DProcessor) -> None:
    sample = AnnotatedSamples([AnnotationFile(annotated)], processor, 4)[4]
    assert len(sample.pixels) == 0
    assert IMAGE not in processor.tokenizer.decode(torch.cat([sample.prefix, sample.questions[0]]))


@pytest.mark.parametrize("packed", [True, False])
def test_a_conversation_in_turns_has_the_loss_of_its_turns_alone(
    annotated: Path, processor: SR3DProcessor, model: SR3DForConditionalGeneration, packed: bool
) -> None:
    """Turns of one conversation do not see each other except as what was said before them."""
    sample = AnnotatedSamples([AnnotationFile(annotated)], processor, 4)[0]
    with torch.inference_mode():
        together = model(**processor.collate([sample], packed=packed), num_items_in_batch=1).loss
        alone = [
            model(**processor.collate([sample.select([turn])], packed=packed), num_items_in_batch=1).loss
            for turn in range(4)
        ]
    torch.testing.assert_close(together, sum(alone), rtol=1e-5, atol=1e-5)


@pytest.mark.long
def test_a_file_with_every_kind_of_sample_is_learned_by_heart(
    annotated: Path, processor: SR3DProcessor, model: SR3DForConditionalGeneration, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    module = SupervisedFineTuning(
        model=copy.deepcopy(model), processor=processor, learning_rate=3e-3, weight_decay=0.0, warmup_fraction=0.05
    )
    trainer = Trainer(
        max_steps=50, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, use_distributed_sampler=False, default_root_dir=tmp_path,
    )  # fmt: skip
    samples = AnnotatedSamples([AnnotationFile(annotated)], processor, 4)
    batch = data(processor, [str(annotated)]).collator()([samples[k] for k in range(len(LINES))])
    trainer.fit(module, DataLoader([batch] * 50, batch_size=None, collate_fn=dict))
    answerer = Answerer(module.model, processor)
    right = asked = 0
    for index, line in enumerate(LINES):
        with torch.inference_mode():
            batch = processor.collate([samples[index]])
            said = module.model(**batch).logits.argmax(-1)
        answers = batch["labels"][:, 1:]
        assert torch.equal(said, answers[answers != -100]), line["id"]  # every turn, and the text alone
        clip, regions = open_annotation(AnnotationFile(annotated)[index], annotated.parent, 4)
        for turns in line["conversations"] if clip is not None else ():  # a text alone has no clip to ask about
            assert clip is not None
            (answer,) = answerer.answer([Query(clip, regions, turns[0]["question"])], max_new_tokens=8)
            right += answer == turns[0]["answer"]
            asked += 1
    assert (right, asked) == (6, 6)


def test_weights_of_lines_and_files_set_how_often_they_are_seen(
    annotated: Path, processor: SR3DProcessor, tmp_path: Path
) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(LINES[4]) + "\n\n" + json.dumps(LINES[4]) + "\n")
    one, two = AnnotationFile(annotated), AnnotationFile(other)
    assert one.weights().tolist() == [1, 2, 1, 1, 1, 1]
    weights = mixed_weights([one, two], [7, 1])
    torch.testing.assert_close(weights[:6].sum(), 7 * weights[6:].sum())
    seen = Counter(islice(data(processor, {str(annotated): 7, str(other): 1}).train_dataloader().sampler, 8 * 200))
    assert sum(seen[k] for k in range(6)) == pytest.approx(7 / 8 * 1600, abs=3)
    assert seen[1] == pytest.approx(2 * seen[0], abs=3)


def test_lines_without_weights_are_a_permutation_that_resumes(annotated: Path, processor: SR3DProcessor) -> None:
    order = list(islice(data(processor, [str(annotated)] * 2).train_dataloader().sampler, 20))
    plain = Counter(order[:12])
    assert max(plain.values()) - min(plain.values()) <= 1
    resumed = data(processor, [str(annotated)] * 2).train_dataloader().sampler
    resumed.start = 13
    assert list(islice(resumed, 7)) == order[13:]


def test_workers_give_the_same_batches(annotated: Path, processor: SR3DProcessor) -> None:
    here, there = (
        list(islice(data(processor, [str(annotated)], batch_size=2, workers=workers).train_dataloader(), 3))
        for workers in (0, 2)
    )
    for mine, theirs in zip(here, there, strict=True):
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_a_bad_line_stops_a_training_with_its_file_and_line(
    annotated: Path, processor: SR3DProcessor, tmp_path: Path
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(json.dumps(LINES[4]) + "\n" + json.dumps({**LINES[2], "video": "gone.mp4"}) + "\n")
    samples = AnnotatedSamples([AnnotationFile(annotated), AnnotationFile(file)], processor, 4)
    assert len(samples[6].questions) == 1
    with pytest.raises(ValueError, match=rf"^{file}:2: .*gone\.mp4"):
        samples[7]


@pytest.mark.long
def test_samples_are_not_kept(annotated: Path, processor: SR3DProcessor) -> None:
    def tensors() -> int:
        gc.collect()
        return sum(isinstance(each, torch.Tensor) for each in gc.get_objects())

    samples = AnnotatedSamples([AnnotationFile(annotated)], processor, 4)
    for index in range(6):
        samples[index]
    before = tensors()
    for index in range(48):
        samples[index % 6]
    assert tensors() == before
