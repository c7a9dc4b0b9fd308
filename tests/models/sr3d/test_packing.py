"""Packing: a packed batch is exactly its questions one by one."""

import torch

from models.sr3d import Sample, SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.packing import packed_attention_mask, packed_position_ids


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


def test_eager_attention_packs_like_sdpa(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples)
    with torch.no_grad():
        expected = model(**batch).logits
        model.set_attn_implementation({"text_config": "eager"})
        try:
            eager = model(**batch).logits
        finally:
            model.set_attn_implementation({"text_config": "sdpa"})
    torch.testing.assert_close(eager, expected, atol=1e-5, rtol=1e-5)  # order of summation


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
