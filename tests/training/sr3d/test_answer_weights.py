"""Answers that weigh equally: a letter as much as a sentence."""

import pytest
import torch

from models.sr3d import SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from training.sr3d.answer_weights import weigh_answers
from training.sr3d.finetuning import SupervisedFineTuning

ANSWERS = ("yes", " ".join(["there is nothing in this room"] * 5))  # of very different length
QUESTION = "Is anything here?"


def test_every_answer_has_one_weight_which_its_tokens_share() -> None:
    labels = torch.tensor([[-100, 5, 1, -100, 7, 7, 7, 1], [-100, -100, 9, -100, -100, -100, -100, -100]])
    weights = weigh_answers(labels)
    assert weights.sum() == pytest.approx(7)  # as many as tokens
    answers = [weights[0, 1:3], weights[0, 4:], weights[1, 2:3]]
    assert [float(answer.sum()) for answer in answers] == pytest.approx([7 / 3] * 3)
    assert not weights[labels == -100].any()


def test_a_batch_without_answers_has_no_weights() -> None:
    assert not weigh_answers(torch.full((2, 3), -100)).any()


@pytest.mark.parametrize("packed", [True, False])
def test_a_training_step_takes_the_mean_of_the_losses_of_all_answers(packed: bool) -> None:
    torch.manual_seed(0)
    config = SR3DConfig(grid_encoding=True)
    processor = SR3DProcessor.from_config(config, train_tokenizer([*ANSWERS, QUESTION]))
    model = SR3DForConditionalGeneration(config)
    module = SupervisedFineTuning(model=model, processor=processor, learning_rate=1e-3, equal_answers=True)
    samples = [processor.with_conversations(None, [[(QUESTION, answer)]]) for answer in ANSWERS]
    alone = torch.stack([model(**processor.collate([one])).loss for one in samples])
    together = module.training_step(processor.collate(samples, packed=packed), 0)
    torch.testing.assert_close(together, alone.mean(), rtol=1e-4, atol=1e-5)
    assert abs(model(**processor.collate(samples)).loss - alone.mean()) > 1e-3  # the mean over tokens is another one
