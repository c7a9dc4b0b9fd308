"""SR-3D trains in the Trainer of transformers, with the processor's own collator."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import Trainer, TrainingArguments

from models.sr3d import Sample, SR3DForConditionalGeneration, SR3DProcessor
from tests.support.sr3d import Build


@pytest.mark.long
@pytest.mark.parametrize("accumulate", [1, 3])
def test_the_loss_falls_and_the_weights_are_saved(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample], tmp_path: Path, accumulate: int
) -> None:
    model: SR3DForConditionalGeneration = build_model()
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        per_device_train_batch_size=3 // accumulate,
        gradient_accumulation_steps=accumulate,
        max_steps=30,
        learning_rate=3e-3,
        lr_scheduler_type="constant",
        logging_steps=1,
        save_steps=30,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(
        model, arguments, train_dataset=samples, data_collator=processor.collate, processing_class=processor
    )
    trainer.train()
    losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    assert len(losses) == 30
    assert losses[-1] < 0.5 * losses[0]
    again = SR3DForConditionalGeneration.from_pretrained(tmp_path / "checkpoint-30")
    for name, weight in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight), name
    assert isinstance(SR3DProcessor.from_pretrained(tmp_path / "checkpoint-30"), SR3DProcessor)


def test_accumulated_batches_weigh_every_answer_alike(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample], tmp_path: Path
) -> None:
    """Three batches of one clip step as one batch of three: their answers differ in length."""
    ends = []
    for accumulate in (1, 3):
        arguments = TrainingArguments(
            output_dir=str(tmp_path / str(accumulate)),
            per_device_train_batch_size=3 // accumulate,
            gradient_accumulation_steps=accumulate,
            max_steps=1,
            optim="sgd",
            learning_rate=1.0,
            max_grad_norm=0.0,
            lr_scheduler_type="constant",
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        )
        model: SR3DForConditionalGeneration = build_model()
        Trainer(model, arguments, train_dataset=samples, data_collator=processor.collate).train()
        ends.append(model.state_dict())
    for name, weight in ends[0].items():
        torch.testing.assert_close(ends[1][name], weight, msg=name, atol=1e-5, rtol=1e-4)
