"""Odd values on command lines end with a result, or with one line and exit code 2: never anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
import typer.main
from omegaconf import DictConfig, OmegaConf

from benchmarks.records.manifest import collect_manifest
from benchmarks.records.record import write_records
from region4d.cli import HYDRA_VERBS, build_app
from region4d.configuration.compose import compose_config
from scenes.readers.rgbd import write_rgbd_folder
from tests.support.clips.rgbd_clips import orbit_clip
from tests.support.mutations.outcome import SEED, StuckError, within
from tests.support.programs.command_line import Run
from tests.support.studies import toy_records

VALUES = (
    *("", " ", "nan", "-inf", "1e999", "-1", "0", "1", "3", "9" * 400, "x", "../x", "²", "é", "[/b]", "a,b", "1,2,3,4"),
    *(
        "0:1,2,30,40",
        "0:-5,-5,900,900",
        "1:1,1,2,2@9",
        "[1,2]",
        "{a:1}",
        "null",
        "true",
        "@",
        "#",
        "${a}",
        "a=b",
        "/",
        ".",
    ),
)
ROOM, QUESTION = "room", "How far is <region0>?"
BOX = ("--region", "0:4,4,30,40")
TRAINING = ("trainer.max_steps=1", "output=out/t", "data.stores=w")
LINES: dict[str, tuple[str, ...]] = {
    "ask": (ROOM, QUESTION, *BOX, "--picture", "out/a.png", "--max-new-tokens", "2"),
    "lift": (ROOM, *BOX, "-o", "out/lifted", "--fit", "none", "--best-of", "1", "--steps", "1"),
    "worlds": ("--export", "--seed", "2", "--count", "1", "--frames", "2", "--output", "out/worlds"),
    "diff": ("one", "other", "--output", "out/diff"),
    "bench": ("model=constant:A", "task=worlds_static", "task.seeds=[0,2]", "task.stores=w", "limit=2", "output=out/b"),
    "train": ("experiment=sr3d/tiny_static", "data.seeds=[0,2]", "data.batch_size=2", *TRAINING),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a room and two runs."""
    folder = tmp_path_factory.mktemp("hostile")
    write_rgbd_folder(orbit_clip(), folder / ROOM)
    for name in ("one", "other"):
        write_records(folder / name, [each for each in toy_records(20) if each.arm == "good"], collect_manifest({}))
    return folder


def settings(verb: str) -> list[Callable[[str], tuple[str, ...]]]:
    """List the settings of a verb, each as what makes the words of a value."""
    if verb in HYDRA_VERBS:
        keys = list(keys_of(compose_config(verb, [word for word in LINES[verb] if not word.startswith("model=")])))
        return [lambda value, key=key: (f"{key}={value}",) for key in keys]  # type: ignore[misc]
    command = typer.main.get_command(build_app(verb)).commands[verb]  # type: ignore[attr-defined]
    options = [option for option in command.params if option.param_type_name == "option" and not option.is_flag]
    return [lambda value, flag=option.opts[0]: (flag, value) for option in options]  # type: ignore[misc]


def keys_of(node: DictConfig, prefix: str = "") -> Iterator[str]:
    """List the keys of a configuration that hold a value, with dots."""
    for key in node:
        value = node._get_node(key)
        if OmegaConf.is_dict(value):
            yield from keys_of(value, f"{prefix}{key}.")  # type: ignore[arg-type]
        elif "_target_" not in str(key):
            yield f"{prefix}{key}"


@pytest.mark.parametrize(
    "verb", [pytest.param(verb, marks=pytest.mark.long) if verb == "train" else verb for verb in LINES]
)
def test_odd_values_end_with_a_result_or_one_line(
    verb: str, region4d: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, mutations: int
) -> None:
    monkeypatch.chdir(folder)
    found, known = [], settings(verb)
    for number in range(SEED, SEED + mutations // 10):
        random = Random(number)
        odd = random.choice(known)(random.choice(VALUES))
        words = (verb, *LINES[verb], *odd) if verb in HYDRA_VERBS else (verb, *odd, *LINES[verb])
        try:
            with within(40):
                code, _, err = region4d(*words)
        except (Exception, StuckError) as error:  # noqa: BLE001 - these are what is looked for
            found.append(f"seed {number}: {' '.join(odd)[:80]}: {type(error).__name__}: {str(error)[:200]}")
            continue
        said = [line for line in err.splitlines() if line.startswith("region4d: ")]
        if code not in (0, 2) or "Traceback" in err or (code == 2 and len(said) != 1):
            found.append(f"seed {number}: {' '.join(odd)[:80]}: exit code {code}: {err.strip()[-300:]}")
    if found:
        pytest.fail("\n".join([f"{len(found)} of {mutations // 10} end otherwise:", *found]), pytrace=False)
