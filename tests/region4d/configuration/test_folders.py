"""Configurations and networks of one's own, from outside of the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from probes.extractors.module import ModuleExtractor
from region4d.configuration.compose import build, compose_config
from region4d.configuration.folders import VARIABLE, config_dirs, take_config_dirs
from region4d.verbs.experiments.study import check_name, study_files

NETWORK = """
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU())
"""
EXTRACTOR = """# @package _global_
defaults: [module]
build: network_of_a_user:build
hook: 1
channels: 8
size: [32, 32]
extractor: {build: {name: mine}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: a network, and a configuration that names it."""
    (tmp_path / "network_of_a_user.py").write_text(NETWORK)
    for file, text in (("extractor/mine.yaml", EXTRACTOR), ("study/probe/mine.yaml", "title: mine\n")):
        (tmp_path / "cfg" / file).parent.mkdir(parents=True)
        (tmp_path / "cfg" / file).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "")
    return tmp_path


def test_an_extractor_of_the_users_is_composed_and_built(project: Path) -> None:
    words = take_config_dirs(["--config-dir", "cfg", "extractor=mine", "clips=worlds_few"])
    assert words == ["extractor=mine", "clips=worlds_few"]
    config = compose_config("extract", words)
    extractor = build(config.extractor.build)
    assert isinstance(extractor, ModuleExtractor)
    assert (extractor.name, extractor.hooks, config.extractor.channels) == ("mine", ["1"], 8)
    assert compose_config("train", ["experiment=probe/bank", "extractor=mine"]).model.channels == 8


def test_studies_of_the_users_are_listed(project: Path) -> None:
    take_config_dirs(["--config-dir=cfg"])
    assert study_files()["probe/mine"] == project / "cfg" / "study" / "probe" / "mine.yaml"
    assert check_name("probe/mine") == "probe"


def test_two_folders_are_kept_in_order_for_processes_that_follow(project: Path) -> None:
    (project / "other").mkdir()
    take_config_dirs(["--config-dir", "cfg", "--config-dir", "other"])
    assert config_dirs() == [project / "cfg", project / "other"]
    assert os.environ[VARIABLE].split(os.pathsep) == [str(project / "cfg"), str(project / "other")]


@pytest.mark.parametrize("words", [["--config-dir", "nowhere"], ["--config-dir"], ["--config-dir="]])
def test_a_missing_folder_is_one_clear_line(project: Path, words: list[str]) -> None:
    with pytest.raises(ValueError, match="is not a folder; give one of YAML files"):
        take_config_dirs(words)


def test_a_near_name_of_the_users_is_offered(project: Path) -> None:
    take_config_dirs(["--config-dir", "cfg"])
    with pytest.raises(ValueError, match="did you mean 'mine'"):
        compose_config("extract", ["extractor=mime"])


@pytest.mark.parametrize("key", ["build", "hook", "channels"])
def test_what_the_module_extractor_needs_is_named_as_one_writes_it(project: Path, key: str) -> None:
    given = {"build": "network_of_a_user:build", "hook": "1", "channels": "8"}
    words = [f"{name}={value}" for name, value in given.items() if name != key]
    with pytest.raises(ValueError, match=f"^{key} has no value; give one, as {key}=..."):
        build(compose_config("extract", ["extractor=module", *words]).extractor)
