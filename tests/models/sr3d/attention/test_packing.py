"""Packing: a packed batch is exactly its questions one by one."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

from models.sr3d import Sample, SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.attention.packing import packed_attention_mask, packed_position_ids
from models.sr3d.attention.shared_prefix import SHARED_PREFIX, Blocks
from models.sr3d.inputs.collate import PadSide


def test_positions_continue_from_the_prefix_for_each_question() -> None:
    segments = torch.tensor([[0, 0, 0, 1, 1, 2, 2, 2, -1], [-1, 0, 0, 0, 0, 0, 1, 2, 2]])
    positions = packed_position_ids(segments)
    assert positions[0, :8].tolist() == [0, 1, 2, 3, 4, 3, 4, 5]
    assert positions[1, 1:].tolist() == [0, 1, 2, 3, 4, 5, 5, 6]


def test_a_question_sees_the_prefix_and_itself_only() -> None:
    mask = packed_attention_mask(torch.tensor([[0, 0, 1, 1, 2, -1]]))[0, 0]
    assert mask.int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1],
    ]


def test_packed_logits_and_loss_equal_those_of_separate_sequences(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    with torch.no_grad():
        packed = model(**processor.collate(samples))
        alone = model(**processor.collate(samples, packed=False))
    torch.testing.assert_close(packed.logits, alone.logits, atol=1e-5, rtol=1e-5)  # order of summation in attention
    torch.testing.assert_close(packed.loss, alone.loss, atol=1e-5, rtol=1e-5)


def test_packed_gradients_equal_those_of_separate_sequences(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    gradients = []
    for packed in (True, False):
        model.zero_grad()
        model(**processor.collate(samples, packed=packed)).loss.backward()
        gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
    model.zero_grad()
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-5, rtol=1e-3, msg=name)  # as above, summed


@contextmanager
def attention(model: SR3DForConditionalGeneration, name: str) -> Iterator[None]:
    model.set_attn_implementation({"text_config": name})
    try:
        yield
    finally:
        model.set_attn_implementation({"text_config": "sdpa"})


@pytest.mark.parametrize("name", ["eager", SHARED_PREFIX])
@pytest.mark.parametrize("side", ["left", "right"])
def test_other_attention_packs_like_sdpa(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample], name: str, side: PadSide
) -> None:
    batch = processor.collate(samples, pad_side=side)
    results = []
    for backend in ("sdpa", name):
        with attention(model, backend):
            model.zero_grad()
            output = model(**batch)
            output.loss.backward()
            gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
            results.append((output.logits.detach(), gradients))
    model.zero_grad()
    (expected, gradients), (logits, others) = results
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)  # order of summation
    for parameter, gradient in gradients.items():
        torch.testing.assert_close(others[parameter], gradient, atol=1e-5, rtol=1e-3, msg=parameter)


def test_shared_prefix_attention_generates_like_sdpa(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate([s.select([0]) for s in samples], packed=False)
    batch.pop("labels")
    expected = model.generate(**batch, max_new_tokens=4, do_sample=False)
    with attention(model, SHARED_PREFIX):
        assert torch.equal(model.generate(**batch, max_new_tokens=4, do_sample=False), expected)


def test_a_batch_without_questions_is_refused() -> None:
    with pytest.raises(ValueError, match="one prefix a row and a question"):
        Blocks.of(torch.tensor([[0, 0, -1]]))


def test_padding_on_either_side_changes_nothing(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    with torch.no_grad():
        losses = [
            model(**processor.collate(samples, packed=packed, pad_side=side)).loss
            for packed in (True, False)
            for side in ("left", "right")
        ]
    torch.testing.assert_close(torch.stack(losses), losses[0].expand(4), atol=1e-5, rtol=1e-5)


def test_the_loss_is_the_mean_over_answer_tokens_or_their_sum_over_a_given_number(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples)
    tokens = int((batch["labels"] != -100).sum())
    assert tokens == sum(len(answer) for sample in samples for answer in sample.answers or ())
    with torch.no_grad():
        mean, halved = model(**batch).loss, model(**batch, num_items_in_batch=2 * tokens).loss
    torch.testing.assert_close(mean, 2 * halved)
