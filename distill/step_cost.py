"""What distillation adds to a training step with cached targets: `python -m distill.step_cost`.

A student as in `experiment=rgpt4d/tiny_dynamic arm=4d` (a test holds the two together), one batch of moving worlds:
forward, backward and optimizer step, with both losses and with neither, in turns. Reading the targets from disk and
measuring gradient norms (every 100th step) are left out.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from lightning import LightningModule
from timm.optim import Muon
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.stopwatch import print_races, race, write_races
from distill.student import PerceptualDistillation
from distill.teachers import shipped_expert
from distill.teachers.teacher import TargetBatch
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from scenes.questions import grammar_texts
from scenes.worlds import WorldConfig, make_world, render
from training.sr3d.questions import RegionQuestions

RESULT = Path(__file__).parents[1] / "results" / "speed" / "distillation.json"
CATEGORIES = ("nearer_camera", "distance", "colour", "depth", "speed", "displacement", "elapsed", "approaches")
STUDENT: dict[str, Any] = {
    "vision_config": {
        "model_type": "convnext",
        "num_stages": 1,
        "patch_size": 4,
        "hidden_sizes": [64],
        "depths": [2],
        "layer_scale_init_value": 1.0,
        "initializer_range": 0.1,
    },
    "text_config": {
        "model_type": "qwen2",
        "vocab_size": 512,
        "hidden_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "intermediate_size": 384,
        "max_position_embeddings": 4096,
        "initializer_range": 0.08,
    },
    "projector_factor": 4,
    "scale": "none",
    "grid_encoding": True,
    "position_encoding": False,
    "timestamp_encoding": "before_projector",
    "region_pool": "trajectory",
    "region_width": 1024,
}
DECODED = 0.16  # of the clips, through the heads
AT_LEAST = 1 / 1.15  # a step without distillation may take this share of one with it


def main(
    repeats: Annotated[int, typer.Option(help="steps of each, in turns")] = 15,
    clips: Annotated[int, typer.Option(help="clips in the batch")] = 12,
    threads: Annotated[int, typer.Option(help="threads of torch")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
    output: Annotated[Path, typer.Option(help="where the JSON record goes")] = RESULT,
) -> None:
    """Time both kinds of step, print a table, write a record."""
    torch.set_num_threads(threads)
    teacher = shipped_expert().to(device)
    world = WorldConfig(frames=teacher.spec.frames, height=teacher.spec.size, width=teacher.spec.size, motion=True)
    seen = render([make_world(seed, world) for seed in range(clips)], "cpu", ())
    config = SR3DConfig(**STUDENT)
    processor = SR3DProcessor.from_config(config, train_tokenizer(grammar_texts()))
    questions = RegionQuestions(seen, processor, categories=CATEGORIES, per_clip=12, seed=0)
    inputs = dict(processor.collate([questions[i] for i in range(clips)]).to(device))
    targets = TargetBatch.stack([teacher.targets(clip) for clip in seen]).to(device)

    def stepper(distils: bool) -> Any:
        torch.manual_seed(0)
        module = PerceptualDistillation(
            teacher=teacher,
            model=SR3DForConditionalGeneration(config),
            processor=processor,
            learning_rate=1e-3,
            latent=distils,
            explicit=distils,
            decoded_fraction=DECODED,
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
    races = [race(f"training step, {clips} clips", arms, AT_LEAST, repeats, torch.device(device))]
    print_races(races)
    print(f"a step with P4D takes {1 / races[0].ratio('fine-tuning alone'):.3f} times as long")
    flops = {name: count_flops(step) for name, step in arms.items()}
    print(f"and {flops['with P4D'] / flops['fine-tuning alone']:.3f} times the FLOPs")
    command = shlex.join(["python", "-m", "distill.step_cost", *sys.argv[1:]])
    settings = {"clips": clips, "threads": threads, "device": device, "teacher": teacher.digest, "flops": flops}
    write_races(output, command, races, collect_manifest(settings))


def count_flops(step: Callable[[], object]) -> int:
    """Count what the matrix products and convolutions of a step take, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())


def silence(module: LightningModule) -> None:
    """Let a module log to nowhere: there is no trainer."""
    module.log = module.log_dict = lambda *_args, **_options: None  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    typer.run(main)
