"""`region4d bench`: with a baseline that needs no weights, and with the tiny model in several processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from benchmarks.records.manifest import read_manifest
from benchmarks.records.record import read_records
from scenes.clip import Clip
from scenes.readers.rgbd import write_rgbd_folder
from tests.support.programs.command_line import Run, assert_one_line

WORLDS = ("task=worlds_static", "task.seeds=[40,72]", "task.world.height=32", "task.world.width=32")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three vertical panels, 1, 2 and 3 m away."""
    depth = torch.ones(1, 120, 160)
    depth[:, :, 50:100], depth[:, :, 100:] = 2, 3
    camera = torch.tensor([[100.0, 0, 80], [0, 100, 60], [0, 0, 1]])
    video = torch.randint(0, 256, (1, 3, 120, 160), generator=torch.Generator().manual_seed(7), dtype=torch.uint8)
    path = tmp_path_factory.mktemp("rgbd") / "panels"
    write_rgbd_folder(Clip(video, torch.zeros(1), depth, camera[None], torch.eye(4)[None]), path)
    return path


def words(room: Path, output: Path, *more: str, model: str = "constant:A") -> list[str]:
    task = ("task=real_rgbd", f"task.folder={room}", "task.count=8", "task.categories=[nearer_camera,distance]")
    return ["bench", f"model={model}", *task, "limit=12", "batch_size=5", f"output={output}", *more]


def test_a_baseline_is_scored_and_unparsed_answers_are_counted(region4d: Run, room: Path, tmp_path: Path) -> None:
    code, out, err = region4d(*words(room, tmp_path, model="constant:no idea"))
    assert code == 0, err
    assert "100.0%" in out
    records = read_records(tmp_path)
    assert len(records) == 12
    assert {record.arm for record in records} == {"constant:no idea"}
    assert {(record.score, record.parsed) for record in records} == {(0.0, None)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "records.jsonl"]
    assert read_manifest(tmp_path).config["limit"] == 12


def test_shards_merge_when_the_last_is_answered_and_give_the_file_of_one_process(
    region4d: Run, room: Path, tmp_path: Path
) -> None:
    assert region4d(*words(room, tmp_path / "one"))[0] == 0
    first = region4d(*words(room, tmp_path / "two", "shard.index=1", "shard.count=2"))
    assert "shard 1 of 2 is answered" in first[1]
    assert not (tmp_path / "two" / "records.jsonl").exists()
    assert "score" in region4d(*words(room, tmp_path / "two", "shard.index=0", "shard.count=2"))[1]
    one, two = ((tmp_path / name / "records.jsonl").read_bytes() for name in ("one", "two"))
    assert one == two
    again = region4d(*words(room, tmp_path / "two", "shard.index=0", "shard.count=2"))  # a job that came too late
    assert "every answer" in again[1]


def test_unfinished_answers_of_another_configuration_are_not_continued(
    region4d: Run, room: Path, tmp_path: Path
) -> None:
    shard = ("shard.index=0", "shard.count=2")
    assert region4d(*words(room, tmp_path, *shard))[0] == 0
    for other in ("seed=1", "pointing=marks"):
        assert_one_line(region4d(*words(room, tmp_path, other)), "another configuration or checkpoint", "output=")


@pytest.mark.parametrize("way", ["tokens", "marks", "text", "crop"])
def test_the_tiny_model_is_asked_four_ways_and_records_say_which_and_what_it_cannot_read(
    region4d: Run, room: Path, tmp_path: Path, way: str
) -> None:
    code, _, err = region4d(*words(room, tmp_path, f"pointing={way}", model="sr3d_tiny_3d"))
    assert code == 0, err
    records = read_records(tmp_path)
    assert {record.facts["pointing"] for record in records} == {way}
    assert all((record.facts["unknown_words"] == 0) == (way == "tokens") for record in records)
    assert all("<region0>" in record.question for record in records)  # as the benchmark asks it, so that ways pair


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("workers=2", "shard.count=2"), "workers=2 with shard.count=2"),
        (("workers=0",), "workers=0"),
        (("shard.index=2", "shard.count=2"), "shard.index=2 of shard.count=2"),
        (("follow=true",), "follow=True is for an SR-3D"),
        (("limit=0",), "real_rgbd has no items"),
        (("pointing=finger",), "pointing=finger is unknown: choose one of tokens, marks, text, crop"),
    ],
)
def test_a_wrong_setting_is_one_line(
    region4d: Run, room: Path, tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    code, _, err = region4d(*words(room, tmp_path / "new", *more))
    assert code == 2
    assert said in err.strip().splitlines()[-1]
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_killed_benchmark_of_two_processes_ends_with_the_same_file(
    region4d: Run, stores: Path, tmp_path: Path
) -> None:
    asked = ["bench", "model=sr3d_tiny_3d", *WORLDS, f"task.stores={stores}", "limit=400", "batch_size=16"]
    assert region4d(*asked, f"output={tmp_path / 'one'}")[0] == 0
    command = [sys.executable, "-m", "region4d", *asked, f"output={tmp_path / 'two'}", "workers=2"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    parts = tmp_path / "two" / "parts"
    while process.poll() is None and sum(f.read_bytes().count(b"\n") for f in parts.glob("*.jsonl")) < 5:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(2)  # its processes end with it
    kept = sum(file.read_bytes().count(b"\n") for file in parts.glob("*.jsonl"))
    assert 5 <= kept < 25
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert (tmp_path / "two" / "records.jsonl").read_bytes() == (tmp_path / "one" / "records.jsonl").read_bytes()


@pytest.mark.long
def test_any_model_is_asked_about_counterfactual_worlds(region4d: Run, stores: Path, tmp_path: Path) -> None:
    seeds = ("task.seeds=[40,42]", "task.world.height=32", "task.world.width=32", f"task.stores={stores}")
    code, out, err = region4d("bench", "model=constant:A", "task=counterfactuals/static", *seeds, f"output={tmp_path}")
    assert code == 0, err
    follows, stays = (out.index(f"| {name} | items |") for name in ("follows", "stays"))
    assert "| mark shifted | 4 |" in out[follows:stays]
    assert out[follows:stays].count("| 0.000 [0.000, 0.000] |") == out[follows:stays].count("\n| ") - 1  # its rule
