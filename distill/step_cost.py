"""Cost of distillation in a training step with cached targets: `region4d speed distillation`.

One batch of moving worlds: forward, backward and optimizer step, with both losses and with neither, in turns. Reading
the targets from disk and measuring gradient norms (every 100th step) are excluded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.stopwatch import print_races, race, write_races
from distill.student import PerceptualDistillation
from distill.teachers import shipped_expert
from distill.teachers.teacher import TargetBatch
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from scenes.questions import grammar_texts
from scenes.worlds import WorldConfig, make_world, render
from training.optimizers import Muon
from training.sr3d.questions import RegionQuestions

CATEGORIES = ("nearer_camera", "distance", "colour", "depth", "speed", "displacement", "elapsed", "approaches")
DECODED_FRACTION = 0.16  # of the clips, through the heads
AT_LEAST = 1 / 1.15  # a step without distillation may take this share of one with it


def time_distillation(
    output: Path,
    command: str,
    student: SR3DConfig,
    device: torch.device,
    repeats: int = 15,
    clips: int = 12,
    threads: int = 1,
) -> None:
    """Time both kinds of step, print a table, write a record.

    Args:
        output: where the JSON record goes.
        command: the command line, for the record.
        student: configuration of the student, without a point map.
        device: where the training runs.
        repeats: steps of each kind, in turns.
        clips: clips in the batch.
        threads: threads of torch on the CPU.
    """
    torch.set_num_threads(threads)
    teacher = shipped_expert().to(device)
    world = WorldConfig(frames=teacher.spec.frames, height=teacher.spec.size, width=teacher.spec.size, motion=True)
    seen = render([make_world(seed, world) for seed in range(clips)], "cpu", ())
    processor = SR3DProcessor.from_config(student, train_tokenizer(grammar_texts()))
    questions = RegionQuestions(seen, processor, categories=CATEGORIES, per_clip=12, seed=0)
    inputs = dict(processor.collate([questions[i] for i in range(clips)]).to(device))
    targets = TargetBatch.stack([teacher.targets(clip) for clip in seen]).to(device)

    def stepper(distils: bool) -> Any:
        torch.manual_seed(0)
        module = PerceptualDistillation(
            teacher=teacher,
            model=SR3DForConditionalGeneration(student),
            processor=processor,
            learning_rate=1e-3,
            latent=distils,
            explicit=distils,
            decoded_fraction=DECODED_FRACTION,
            log_grad_norms_every=0,
        ).to(device)
        silence(module)
        optimizer = Muon(module.parameters(), lr=1e-4, nesterov=True)
        batch = {**inputs, "targets": targets} if distils else inputs

        def step() -> None:
            optimizer.zero_grad()
            module.training_step(batch, 0).backward()
            optimizer.step()

        return step

    arms = {"with P4D": stepper(True), "fine-tuning alone": stepper(False)}
    races = [race(f"training step, {clips} clips", arms, AT_LEAST, repeats, device)]
    print_races(races)
    print(f"a step with P4D takes {1 / races[0].ratio('fine-tuning alone'):.3f} times as long")
    flops = {name: count_flops(step) for name, step in arms.items()}
    print(f"and {flops['with P4D'] / flops['fine-tuning alone']:.3f} times the FLOPs")
    settings = {"clips": clips, "threads": threads, "device": str(device), "teacher": teacher.digest, "flops": flops}
    write_races(output, command, races, collect_manifest(settings))


def count_flops(step: Callable[[], object]) -> int:
    """Count what the matrix products and convolutions of a step take, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())


def silence(module: LightningModule) -> None:
    """Let a module log to nowhere: there is no trainer."""
    module.log = module.log_dict = lambda *_args, **_options: None  # type: ignore[method-assign,assignment]
