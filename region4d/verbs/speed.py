"""`region4d speed`: measure speed against what one would use instead, on this machine."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from region4d.flags import DeviceFlag, torch_device
from scenes.storage.destinations import check_file

if TYPE_CHECKING:
    from models.sr3d import SR3DConfig

RESULTS = Path("results/speed")


def checked(output: Path) -> Path:
    """Check the file of the record before anything is measured."""
    check_file(output)
    return output


Output = Annotated[Path, typer.Option("-o", "--output", callback=checked, help="the JSON record; tables go beside it")]
Repeats = Annotated[int, typer.Option("--repeats", min=1, help="runs of each implementation, in turns")]

speed = typer.Typer(help="Measure speed against what one would use instead; print a table, write a record.")


@speed.command()
def regions(
    device: DeviceFlag = "cpu",
    repeats: Repeats = 11,
    threads: Annotated[int, typer.Option(min=0, help="threads of torch on the CPU; 0 keeps its default")] = 0,
    output: Output = RESULTS / "regions.json",
) -> None:
    """Time tiling and region pooling against what published code does.

    Example: region4d speed regions --repeats 3 -o regions.json
    """
    from benchmarks.speed.regions import time_regions

    time_regions(output, command(), torch_device(device), repeats, threads)


@speed.command()
def kernels(
    device: DeviceFlag = None,
    repeats: Repeats = 11,
    output: Output = RESULTS / "kernels.json",
) -> None:
    """Time the Triton kernels of tiling and pooling, and packed attention, on a GPU against torch and torch.compile.

    Example: region4d speed kernels --repeats 3 -o kernels.json
    """
    from benchmarks.speed.kernels import time_kernels

    time_kernels(output, command(), torch_device(device), repeats)


@speed.command()
def worlds(
    device: DeviceFlag = "cpu",
    repeats: Repeats = 11,
    workers: Annotated[
        int | None, typer.Option(min=1, help="threads that share the worlds; all cores, one on a GPU")
    ] = None,
    count: Annotated[int, typer.Option("--worlds", min=1, help="worlds in a batch")] = 8,
    size: Annotated[int, typer.Option(min=1, help="pixels of a side")] = 256,
    segments: Annotated[int, typer.Option(min=3, help="corners of a circle in the meshes")] = 32,
    output: Output = RESULTS / "worlds.json",
) -> None:
    """Time the ray caster of procedural worlds against Open3D's RaycastingScene.

    Example: region4d speed worlds --repeats 3 -o worlds.json
    """
    from benchmarks.speed.worlds import time_worlds

    time_worlds(output, command(), torch_device(device), repeats, workers, count, size, segments)


@speed.command()
def store(
    clips: Annotated[int, typer.Option(min=1, help="clips on disk, 1.3 GB each")] = 3,
    repeats: Repeats = 9,
    folder: Annotated[
        Path | None, typer.Option(help="where clips are written for the time; the temporary folder")
    ] = None,
    output: Output = RESULTS / "feature_store.json",
) -> None:
    """Time reading a sample from the feature store against loading whole clips.

    Example: region4d speed store --clips 1 --repeats 3 -o store.json
    """
    from probes.features.store_speed import time_store

    time_store(output, command(), clips, repeats, folder)


@speed.command()
def footage(
    repeats: Repeats = 3,
    folder: Annotated[
        Path | None, typer.Option(help="where inputs are written and kept (2 GB); a temporary folder")
    ] = None,
    output: Output = RESULTS / "footage.json",
) -> None:
    """Time questions about two hours of video, 8K video and 5,000 pictures against reading them with PyAV alone.

    Example: region4d speed footage --repeats 1 -o footage.json
    """
    from benchmarks.speed.footage import time_footage

    time_footage(output, command(), repeats, folder)


@speed.command()
def answering(
    device: DeviceFlag = "cpu",
    repeats: Repeats = 5,
    frames: Annotated[int, typer.Option(min=1, help="of the clip that is asked about")] = 8,
    output: Output = RESULTS / "answering.json",
) -> None:
    """Time further questions about a clip against the first one; compute the memory of an 8B model.

    Example: region4d speed answering --repeats 1 -o answering.json
    """
    from benchmarks.speed.answering import time_answering

    time_answering(output, command(), torch_device(device), repeats, frames)


@speed.command()
def distillation(
    device: DeviceFlag = "cpu",
    repeats: Repeats = 15,
    clips: Annotated[int, typer.Option(min=1, help="clips in the batch")] = 12,
    threads: Annotated[int, typer.Option(min=1, help="threads of torch on the CPU")] = 1,
    output: Output = RESULTS / "distillation.json",
) -> None:
    """Time a training step with distillation against fine-tuning alone.

    Example: region4d speed distillation --repeats 3 -o distillation.json
    """
    from distill.step_cost import time_distillation

    time_distillation(output, command(), student_config(), torch_device(device), repeats, clips, threads)


@speed.command("training-memory")
def training_memory(
    frames: Annotated[int, typer.Option(min=8, help="of the clip on each card, a multiple of 8")] = 16,
    text: Annotated[int, typer.Option(min=32, help="tokens of prompt, questions and answers")] = 256,
    output: Output = RESULTS / "training_memory.json",
) -> None:
    """Compute, without a GPU, the peak memory of training an 8B model: full, LoRA, QLoRA, P4D; 1, 4 and 8 cards.

    Example: region4d speed training-memory -o training_memory.json
    """
    from distill.step_memory import compute_training_memory

    compute_training_memory(output, command(), frames, text)


@speed.command()
def serving(
    visitors: Annotated[int, typer.Option(min=1, help="at the same time")] = 8,
    questions: Annotated[int, typer.Option(min=1, help="of all visitors together, timed")] = 50,
    hours: Annotated[float, typer.Option(min=0, help="worth of further questions, while memory is watched")] = 1.0,
    output: Output = RESULTS / "serving.json",
) -> None:
    """Time questions of many visitors to the web app, and watch its memory.

    Example: region4d speed serving --visitors 2 --questions 8 --hours 0.1 -o serving.json
    """
    from region4d.app.load import time_serving

    time_serving(output, command(), visitors, questions, hours)


def student_config() -> SR3DConfig:
    """Compose the student whose training step is timed: that of the 4d arm."""
    from region4d.configuration.compose import build, compose_config

    config: SR3DConfig = build(compose_config("train", ["experiment=rgpt4d/tiny_dynamic", "arm=4d"]).model.config)
    return config


def command() -> str:
    """Write the command line, for the record."""
    return shlex.join(["region4d", *sys.argv[1:]])
