"""Footage of one's own with targets: which lines have some, what a batch of both kinds learns, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from PIL import Image

from distill.data import TaughtFootage
from distill.student import PerceptualDistillation
from distill.teachers import Expert4D, Oracle
from models.sr3d import SR3DProcessor
from scenes.readers.open_clip import open_clip
from tests.distill.data.conftest import LINES, TAUGHT
from tests.support.distillation import FRAMES, SIZE, build_expert, build_student


@pytest.fixture(scope="module")
def student() -> tuple[Any, SR3DProcessor]:
    return build_student(position_encoding=False, region_pool="trajectory")


def footage(teacher: Any, processor: SR3DProcessor, file: Path, **options: Any) -> TaughtFootage:
    settings = {"files": [str(file)], "batch_size": 4, "seed": 0, "frames": FRAMES, **options}
    return TaughtFootage(teacher=teacher, processor=processor, targets=str(file.parent.parent / "targets"), **settings)


def test_clips_of_the_teachers_length_have_its_targets_and_the_others_say_why(
    expert: Expert4D, student: tuple[Any, SR3DProcessor], annotated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = footage(expert, student[1], annotated)
    data.setup("fit")
    assert capsys.readouterr().out.splitlines()[-1] == (
        "distillation: 4 of 8 lines are clips of 4 frames with targets; the others train answers alone: "
        "2 of 2 frames, 1 text alone, 1 of a single picture"
    )
    samples = data.dataset()
    assert [index for index in range(8) if samples[index][1] is not None] == list(TAUGHT)
    fresh, kept = expert.targets(open_clip(annotated.with_name("clip.mp4"), FRAMES)), samples[0][1]
    torch.testing.assert_close(kept.latents, fresh.latents, atol=2e-3, rtol=2e-3)  # kept in float16
    for name, value in fresh.signals.values.items():
        torch.testing.assert_close(kept.signals.values[name], value, atol=2e-3, rtol=2e-3)
    assert torch.equal(samples[7][1].latents, kept.latents)  # the same frames
    assert len(list(annotated.parent.parent.glob("targets/*/*/*.safetensors"))) == 3


def test_a_batch_of_both_kinds_learns_all_answers_and_the_signals_of_its_clips(
    expert: Expert4D, student: tuple[Any, SR3DProcessor], annotated: Path
) -> None:
    data = footage(expert, student[1], annotated)
    data.setup("fit")
    module = PerceptualDistillation(
        teacher=expert, model=student[0], processor=student[1], learning_rate=1e-3, log_grad_norms_every=0
    )
    module.log = module.log_dict = lambda *_args, **_options: None  # type: ignore[method-assign,assignment]
    plain = PerceptualDistillation(
        teacher=None, model=student[0], processor=student[1], learning_rate=1e-3, latent=False, explicit=False
    )
    plain.log = module.log
    samples, collate = data.dataset(), data.collator()
    mixed, clips = collate([samples[i] for i in range(4)]), collate([samples[i] for i in (0, 2)])
    assert mixed["targets"].rows.tolist() == [0, 2]
    assert clips["targets"].rows is None

    def distilled(batch: dict[str, Any]) -> torch.Tensor:
        return module.training_step(batch, 0) - plain.training_step(batch, 0)

    torch.testing.assert_close(distilled(mixed), distilled(clips), atol=1e-5, rtol=1e-4)
    assert float(distilled(clips).detach()) > 0
    text = collate([samples[1]])
    assert text["targets"] is None
    assert torch.equal(module.training_step(text, 0), plain.training_step(text, 0))


def test_with_all_targets_kept_a_training_needs_no_more_of_the_teacher_than_its_heads(
    expert: Expert4D, student: tuple[Any, SR3DProcessor], annotated: Path
) -> None:
    footage(expert, student[1], annotated).setup("fit")
    headless = build_expert()
    assert headless.digest == expert.digest
    headless.encoder.to("meta")  # on no device at all
    data = footage(headless, student[1], annotated)
    data.setup("fit")
    losses = []
    for teacher in (headless, expert):
        module = PerceptualDistillation(
            teacher=teacher, model=student[0], processor=student[1], learning_rate=1e-3, log_grad_norms_every=0
        )
        module.log = module.log_dict = lambda *_args, **_options: None  # type: ignore[method-assign,assignment]
        module.on_fit_start()
        batch = data.collator()([data.dataset()[0]])
        losses.append(module.training_step(batch, 0).detach())
    assert torch.equal(losses[0], losses[1])


def test_a_process_without_clips_stays_in_step_with_one_that_has_all(
    expert: Expert4D, student: tuple[Any, SR3DProcessor], annotated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes, of which the other has two clips or none: each loss is the mean over the clips of both."""
    data = footage(expert, student[1], annotated)
    data.setup("fit")
    module = PerceptualDistillation(
        teacher=expert, model=student[0], processor=student[1], learning_rate=1e-3, log_grad_norms_every=0
    )
    samples, collate = data.dataset(), data.collator()
    clips, text = collate([samples[0], samples[2]]), collate([samples[1]])
    others = 2

    def all_reduce(count: torch.Tensor) -> None:
        count += others

    def losses(batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        hidden = torch.randn(*batch["input_ids"].shape, 128, generator=torch.Generator().manual_seed(0))
        return module.distillation_losses(hidden, batch["input_ids"], batch["targets"])

    alone = losses(clips)
    monkeypatch.setattr("distill.student.perceptual_distillation.process_count", lambda: 2)
    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    torch.testing.assert_close(losses(clips), alone)  # both have two
    nothing = losses(text)
    assert nothing.keys() == alone.keys()
    assert [float(value.detach()) for value in nothing.values()] == [0.0] * 5
    torch.stack(list(nothing.values())).sum().backward()
    assert module.perception is not None
    assert all(p.grad is not None and not p.grad.any() for p in module.perception.parameters())
    others = 0
    torch.testing.assert_close(losses(clips), {name: 2 * value for name, value in alone.items()})


def test_a_training_reads_real_video_and_keeps_what_it_computed(
    expert: Expert4D, annotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model, processor = build_student(position_encoding=False, region_pool="trajectory")
    module = PerceptualDistillation(
        teacher=expert, model=model, processor=processor, learning_rate=1e-3, log_grad_norms_every=1
    )
    before = module.perception.layers[0].weight.detach().clone()  # type: ignore[union-attr,operator]
    trainer = Trainer(
        max_steps=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, use_distributed_sampler=False, default_root_dir=tmp_path, gradient_clip_val=1.0,
    )  # fmt: skip
    trainer.fit(module, footage(expert, processor, annotated, workers=1))
    assert not torch.equal(module.perception.layers[0].weight, before)  # type: ignore[union-attr,arg-type]
    assert {"loss_answers", "loss_latent", "loss_depth", "gradient_flow"} <= set(trainer.callback_metrics)
    assert not any("teacher" in key or "expert" in key for key in module.state_dict())

    made: list[str] = []
    monkeypatch.setattr(Expert4D, "targets", lambda _self, clip: made.append(clip.name))
    again = footage(expert, processor, annotated)
    monkeypatch.setattr("distill.data.missing_targets.open_annotation", None)  # nothing is decoded to know it
    again.setup("fit")
    assert made == []


def test_media_that_change_get_other_targets(
    expert: Expert4D, student: tuple[Any, SR3DProcessor], annotated: Path
) -> None:
    data = footage(expert, student[1], annotated)
    data.setup("fit")
    old = data.dataset()[2][1]
    Image.new("RGB", (48, 32), (200, 30, 30)).save(annotated.with_name("1.png"))
    frame = sorted(annotated.parent.glob("room/*/*.png"))[0]
    Image.new("RGB", Image.open(frame).size, (10, 200, 30)).save(frame)  # no folder tells of it
    with pytest.raises(ValueError, match=r"lines\.jsonl:3: there are no targets of these frames"):
        data.dataset()[2]
    with pytest.raises(ValueError, match=r"lines\.jsonl:6: .*start the training again"):
        data.dataset()[5]
    data.setup("fit")
    new = data.dataset()[2][1]
    assert not torch.equal(new.latents, old.latents)
    assert data.dataset()[5][1] is not None


@pytest.mark.parametrize(
    ("teacher", "options", "reason"),
    [
        (None, {}, "needs a teacher: choose one"),
        (Oracle(FRAMES, SIZE, 4), {}, "needs the truth of procedural worlds"),
        ("expert", {"frames": 8}, "takes clips of 4 frames, and data.frames is 8: set data.frames=4"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(
    expert: Expert4D, student: tuple[Any, SR3DProcessor], annotated: Path, teacher: Any, options: Any, reason: str
) -> None:
    teacher = expert if teacher == "expert" else teacher
    with pytest.raises(ValueError, match=reason):
        footage(teacher, student[1], annotated, **options)
    assert footage(teacher, student[1], annotated, with_targets=False, **options).targets is None


def test_a_file_without_any_clip_and_media_that_cannot_be_read_are_refused(
    expert: Expert4D, student: tuple[Any, SR3DProcessor], annotated: Path
) -> None:
    annotated.write_text(json.dumps(LINES[1]) + "\n" + json.dumps(LINES[3]))
    with pytest.raises(ValueError, match=r"no line has a target .*1 text alone, 1 of a single picture.*arm=2d_tpe"):
        footage(expert, student[1], annotated).setup("fit")
    annotated.write_text(json.dumps(LINES[0]) + "\n" + json.dumps({**LINES[0], "video": "gone.mp4"}))
    for workers in (0, 1):
        with pytest.raises(ValueError, match=r"^\S+lines\.jsonl:2: .*gone\.mp4") as error:
            footage(expert, student[1], annotated, workers=workers).setup("fit")
        assert "\n" not in str(error.value)
