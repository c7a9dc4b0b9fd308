from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from models.segmenters import open_segmenter
from region4d.app.probing import linear_head
from region4d.app.settings import Settings
from region4d.app.systems import System
from region4d.studies.finished import FinishedStudy
from scenes.readers.rgbd import write_rgbd_folder
from scenes.worlds import WorldConfig, make_world, render
from tests.support.folders.segmenter_checkpoints import write_sam2

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def systems() -> list[System]:
    """The two shipped models."""
    return [System.load("sr3d_tiny_3d", "cpu"), System.load("sr3d_tiny_2d", "cpu")]


@pytest.fixture(scope="session")
def rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that a server may open, with an RGB-D folder and a picture in it, beside a secret."""
    around = tmp_path_factory.mktemp("around")
    folder = around / "rooms"
    (clip,) = render([make_world(2, WorldConfig(height=48, width=64, frames=4))], "cpu", ())
    folder.mkdir()
    write_rgbd_folder(clip, folder / "world-2")
    Image.new("RGB", (64, 48), (200, 30, 30)).save(folder / "red.png")
    Image.new("RGB", (64, 48), (30, 30, 200)).save(around / "secret.png")
    return folder


@pytest.fixture(scope="session")
def settings(rooms: Path, world_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    studies = (FinishedStudy(world_study), FinishedStudy(ROOT / "results" / "probe" / "quick"))
    segmenter = open_segmenter(write_sam2(tmp_path_factory.mktemp("sam2")), "click")
    return Settings(folders=(rooms,), max_upload_mb=8, max_seconds=60, studies=studies, segmenter=segmenter)


@pytest.fixture(scope="session")
def few_worlds() -> Iterator[None]:
    """Linear heads are fitted on twelve worlds, so that a test takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("WORLDS", 12), ("BATCH", 6), ("HELD_OUT", 3)):
            patch.setattr(linear_head, name, value)
        yield


@pytest.fixture(scope="session")
def site(systems: list[System], settings: Settings, few_worlds: None) -> Iterator[str]:
    """The address of a running app."""
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    from region4d.app.server import served

    with served(systems, settings) as address:
        yield address
