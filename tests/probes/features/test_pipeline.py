"""Reading, running and writing overlap, and an error of any of them ends the extraction and frees its clips."""

import threading
from pathlib import Path

import pytest
import torch

from probes.extractors.slots import Features, SlotMap
from probes.features.pipeline import Pipeline
from probes.features.store import FeatureStore

FEATURES = {0: Features(torch.ones(1, 1, 1, 2), SlotMap(((0,),)))}
NAMES = {name: name for name in "abc"}


class Clips:
    """Clips whose reading is noted."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.second = threading.Event()

    def video(self, name: str) -> torch.Tensor:
        self.read.append(name)
        if len(self.read) == 2:
            self.second.set()
        return torch.zeros(1, 3, 2, 2, dtype=torch.uint8)


def pipeline(store: FeatureStore, clips: Clips) -> Pipeline:
    return Pipeline({0: store}, store, clips.video, NAMES)


def fill(made: Pipeline, features: dict[int, Features]) -> None:
    with made as running:
        for claimed in running:
            running.write(claimed, features, torch.float16)


def test_the_next_clip_is_read_while_the_model_runs_and_all_are_written(tmp_path: Path) -> None:
    store, clips = FeatureStore(tmp_path, "key"), Clips()
    with pipeline(store, clips) as running:
        for claimed in running:
            if claimed.name == "a":
                assert clips.second.wait(10)  # b was read before a's features are there
            running.write(claimed, FEATURES, torch.float16)
    assert clips.read == ["a", "b", "c"]
    assert store.missing(list(NAMES)) == []


def test_an_error_of_the_writer_is_raised_and_clips_are_free_again(tmp_path: Path) -> None:
    store, clips = FeatureStore(tmp_path, "key"), Clips()
    broken = {0: Features(torch.full((1, 1, 1, 2), torch.inf), SlotMap(((0,),)))}
    with pytest.raises(ValueError, match="features of clip a are not finite"):
        fill(pipeline(store, clips), broken)
    assert store.missing(list(NAMES)) == list(NAMES)
    for name in NAMES:
        with store.claim(name) as held:
            assert held


def test_a_clip_that_another_process_holds_is_left_to_it(tmp_path: Path) -> None:
    store, clips = FeatureStore(tmp_path, "key"), Clips()
    with store.claim("b"):
        fill(pipeline(FeatureStore(tmp_path, "key"), clips), FEATURES)
    assert clips.read == ["a", "c"]
    assert store.missing(list(NAMES)) == ["b"]
