"""Small commands whose results can be compared byte by byte."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from probes.clips.label_files import write_labels
from region4d.studies import plan
from region4d.studies.job import Job
from scenes.storage import shards
from scenes.worlds import store
from tests.support.folders.co3d_folder import write_category

SMALL = ("height=32", "width=32")
TRAIN = ("data.batch_size=2", "trainer.callbacks.0.every_n_train_steps=2", "trainer.log_every_n_steps=1")
TRAIN += ("trainer.enable_progress_bar=false",)
LIFT = (
    "study.world.height=32", "study.world.width=32", "study.world.objects=[2,3]", "study.world.families=[tower]",
    "study.library.seeds._args_=[8,12]", "study.tests.held_out_parameters.store.seeds._args_=[0,4]",
    "study.tests.held_out_parameters.limit=2", "study.tests.held_out_parameters.icp_items=1",
    "~study.tests.held_out_families", "study.baselines=[hull,nearest]", "study.sheet={methods: [hull], objects: 1}",
    "workers=1",
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """A command.

    Args:
        words: of the command line, given the folder of its results and that of its inputs.
        results: patterns of the files that a rerun makes byte by byte; others hold times or paths.
        before: called in its process.
    """

    name: str
    words: Callable[[Path, Path], Sequence[str]]
    results: Sequence[str]
    before: Callable[[], object] = lambda: None

    def digests(self, folder: Path) -> Mapping[str, str]:
        """Hash the results in a folder."""
        found = (path for pattern in self.results for path in sorted(folder.glob(pattern)) if path.is_file())
        return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


def train(folder: Path, inputs: Path) -> list[str]:
    return [
        "train", "experiment=sr3d/tiny_static", "arm=2d", "data.seeds=[0,8]", "trainer.max_steps=8", *TRAIN,
        f"data.stores={folder}/worlds", f"output={folder}/run",
    ]  # fmt: skip


def distil(folder: Path, inputs: Path) -> list[str]:
    return [
        "train", "experiment=rgpt4d/tiny_dynamic", "arm=4d", "data.seeds=[0,8]", "trainer.max_steps=2", *TRAIN,
        f"data.stores={folder}/worlds", f"data.targets={folder}/targets", f"output={folder}/run",
    ]  # fmt: skip


def extract(folder: Path, inputs: Path) -> list[str]:
    return [
        "extract", "extractor=pixels", "clips=worlds_few", *(f"clips.world.{side}" for side in SMALL),
        f"clips.stores={folder}/worlds", f"output={folder}/features",
    ]  # fmt: skip


def extract_slowly(folder: Path, inputs: Path) -> list[str]:
    labels = inputs / "labels"
    for k in () if labels.exists() else range(8):
        video = torch.randint(0, 256, (4, 3, 32, 32), generator=torch.Generator().manual_seed(k), dtype=torch.uint8)
        ones, still = torch.ones(4, 32, 32), torch.eye(4).repeat(4, 1, 1)
        points = ones[..., None].repeat(1, 1, 1, 3)
        write_labels(labels / f"{k}.safetensors", video, ones, points, ones + 1, still[:, :3, :3], still)
    return [
        "extract", "extractor=module", "build=tests.support.slow_network:build", "hook=1", "channels=4",
        "size=[32,32]", "clips=labelled", f"clips.folder={labels}", "clips.sampler.context=4", "clips.sampler.views=2",
        "clips.sampler.gap=1", "clips.sampler.stride=1", f"output={folder}/features",
    ]  # fmt: skip


def bench(folder: Path, inputs: Path) -> list[str]:
    return [
        "bench", "model=sr3d_tiny_2d", "task=worlds_static", "task.seeds=[40,44]", "limit=24", "batch_size=4",
        f"task.stores={folder}/worlds", f"output={folder}/bench",
    ]  # fmt: skip


def compare(folder: Path, inputs: Path) -> list[str]:
    arm = ["trainer.max_steps=4", "data.seeds=[0,8]", *TRAIN, f"data.stores={folder}/worlds"]
    scored = ["limit=8", "task.seeds=[1000000,1000002]", "task.digest=null", f"task.stores={folder}/worlds"]
    return [
        "compare", "study=quick", "arms=[2d,3d]", "study.counterfactuals=null",
        "study.controls=[]", f"study.overrides={arm}", f"study.bench_overrides={scored}",
        f"runs={folder}/runs", f"output={folder}/report",
    ]  # fmt: skip


def lift_study(folder: Path, inputs: Path) -> list[str]:
    kept = (f"{name}={folder / name}" for name in ("stores", "truths", "output"))
    return ["study", "lift/baselines", *LIFT, *kept]


def worlds(folder: Path, inputs: Path) -> list[str]:
    size = ("--frames", "8", "--height", "64", "--width", "96")
    return ["worlds", "--export", "--count", "6", *size, "-o", f"{folder}/worlds"]


def prepare(folder: Path, inputs: Path) -> list[str]:
    if not (inputs / "co3d").exists():
        write_category(inputs / "co3d", "apple", {f"{k}_1_1": 6 for k in range(4)})
    size = ("--height", "24", "--width", "32", "--label-height", "12", "--label-width", "16")
    return ["prepare", "co3d", str(inputs / "co3d"), "--count", "4", *size, "-o", f"{folder}/prepared"]


def here() -> None:
    """Run the steps of a study in its own process, on small shards."""

    def run_all(jobs: Sequence[Job], workers: int) -> list[str]:
        for job in jobs:
            for step in job.steps:
                if not step.finished:
                    step.run()
        return []

    plan.run_all = run_all  # type: ignore[assignment]
    small()


def small() -> None:
    """Write small shards, whether or not the process before this one has imported the store of worlds."""
    shards.SHARD = store.SHARD = 4  # type: ignore[attr-defined]


STORES = "worlds/**/*.safetensors"
COMMANDS = {
    command.name: command
    for command in (
        Command("worlds", worlds, ["worlds/**/*"]),
        Command("prepare", prepare, ["prepared/**/*"]),
        Command("train", train, ["run/model/*.safetensors", "run/model/*.json", "run/metrics.csv", STORES], small),
        Command("target cache", distil, ["targets/**/*", "run/model/*.safetensors", "run/metrics.csv", STORES], small),
        Command("extract", extract, ["features/**/world*", STORES], small),
        Command("extract slowly", extract_slowly, ["features/**/*.safetensors"]),
        Command("bench", bench, ["bench/records.jsonl", STORES]),
        Command("compare", compare, ["runs/*/model/*.safetensors", "runs/*/records/*/records.jsonl", STORES], here),
        Command("study lift", lift_study, ["output/records/*/*/records.jsonl", "truths/**/*", "stores/**/*"], here),
    )
}
