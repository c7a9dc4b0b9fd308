"""Damaged files of a user's are read, or refused in one line that names them: never anything else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.diff.opening import Fields, open_run
from benchmarks.records.archive import read_archive, write_archive
from benchmarks.records.live_runs import trained_runs
from benchmarks.records.manifest import collect_manifest, read_manifest
from benchmarks.records.record import read_records, write_records
from benchmarks.region_qa.tasks.task import Item
from benchmarks.regionize.item import Candidate, GroundedPhrase, Phrase, Regionized, VideoQuestion
from benchmarks.regionize.run import ITEMS, begin, read_items, read_settings, write_items
from models.geometry import swap_opengl
from models.regions import OutOfView
from probes.clips.label_files import LabelFile, write_labels
from probes.extractors.slots import Features, SlotMap
from probes.features.store import FeatureStore
from region4d.configuration.compose import build, compose_config
from scenes.datasets.aria.tables import AriaTables
from scenes.datasets.co3d import list_co3d
from scenes.datasets.dl3dv import list_dl3dv
from scenes.datasets.lost_cameras import LostCamera
from scenes.photographs.folder import PhotoFolder
from scenes.readers.depth_file import read_depth_file
from scenes.readers.masks.mask_file import read_mask
from scenes.readers.open_clip import open_clip
from scenes.readers.rgbd import read_rgbd_folder, write_rgbd_folder
from scenes.readers.rgbd.pinhole import write_pinhole
from tests.support.clips.footage import write_footage
from tests.support.clips.rgbd_clips import orbit_clip, write_colour, write_millimetres, write_units
from tests.support.folders.co3d_folder import write_category
from tests.support.folders.dl3dv_folder import write_scene
from tests.support.foreign_logs import lmms_eval_log, vlm_eval_kit_table
from tests.support.mutations.files import JSON, damage
from tests.support.mutations.outcome import survives
from tests.support.photographs import TIME_NS, UID, write_aria, write_photo, write_table
from tests.support.published.regions import (
    write_blink_depth,
    write_object_classes,
    write_r4d_bench,
    write_spatialrgpt_bench,
)
from tests.support.published.scenes import write_mmscan, write_scan2cap, write_scanqa, write_sqa3d
from tests.support.published.videos import write_dsr_bench, write_sti_bench, write_vlm4d, write_vsi_bench
from tests.support.studies import toy_records

PICTURES = ("png", "jpg", "webp", "tiff", "bmp", "gif", "ppm")
VIDEOS = ("mp4", "mkv", "avi", "mov")
Reading = tuple[Callable[[Path], Any], Callable[[Path], Any]]  # writes a folder; reads it


def picture(suffix: str) -> Reading:
    """A picture."""

    def write(folder: Path) -> None:
        pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"a.{suffix}")

    return write, lambda folder: open_clip(folder / f"a.{suffix}")


def video(suffix: str) -> Reading:
    """A video of ten frames."""
    return (
        lambda folder: write_footage(folder / f"a.{suffix}", range(0, 400, 40)),
        lambda folder: open_clip(folder / f"a.{suffix}", 4),
    )


def tum(folder: Path) -> None:
    """Write an RGB-D folder of TUM."""
    clip = orbit_clip()
    assert clip.depth is not None
    for i in range(4):
        write_colour(folder / "rgb" / f"{i}.png", clip, i)
        write_units(folder / "depth" / f"{i}.png", clip.depth[i] * 5000)
    for name in ("rgb", "depth"):
        (folder / f"{name}.txt").write_text("".join(f"{1000 + i / 10} {name}/{i}.png\n" for i in range(4)))
    poses = "".join(f"{1000 + i / 10} 0 0 0 -0.5 0.5 -0.5 0.5\n" for i in range(4))
    (folder / "groundtruth.txt").write_text(poses)
    assert clip.intrinsics is not None
    write_pinhole(folder / "camera.json", clip.intrinsics[0], clip.size)


def nerfstudio(folder: Path) -> None:
    """Write a folder of nerfstudio."""
    clip, frames = orbit_clip(), []
    assert clip.intrinsics is not None
    assert clip.world_T_cam is not None
    (fx, _, cx), (_, fy, cy), _ = clip.intrinsics[0].tolist()
    for i in range(4):
        write_colour(folder / "images" / f"{i}.png", clip, i)
        write_millimetres(folder / "depth" / f"{i}.png", clip, i)
        pose = swap_opengl(clip.world_T_cam[i]).tolist()
        names = {"file_path": f"images/{i}.png", "depth_file_path": f"depth/{i}.png"}
        frames.append(names | {"transform_matrix": pose})
    camera = {"fl_x": fx, "fl_y": fy, "cx": cx, "cy": cy, "w": 64, "h": 48, "k1": 0.0}
    (folder / "transforms.json").write_text(json.dumps(camera | {"frames": frames}))


def redwood(folder: Path) -> None:
    """Write a folder of Redwood, with what `region4d prepare` adds."""
    write_rgbd_folder(replace(orbit_clip(), metric=False), folder / "room", provider="test")


def read_co3d(folder: Path) -> None:
    """Read all of a category."""
    for sequence in list_co3d(folder, "cup", "fewview_dev"):
        sequence.read()


def read_dl3dv(folder: Path) -> None:
    """Read all scenes."""
    for scene in list_dl3dv(folder):
        try:
            scene.read()
        except LostCamera as error:  # names the scene alone: `prepare` leaves it out
            raise ValueError(f"{folder}: {error}") from error


def write_masks(folder: Path) -> None:
    """Write one region in three formats."""
    marked = np.zeros((24, 32), np.uint8)
    marked[4:12, 5:20] = 255
    Image.fromarray(marked).save(folder / "a.png")
    np.save(folder / "a.npy", marked > 0)
    outline = [[5, 4, 20, 4, 20, 12, 5, 12]]
    entry = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": outline, "bbox": [5, 4, 15, 8], "iscrowd": 0}
    counts = {"size": [24, 32], "counts": [124, 8, *[16, 8] * 14, 300]}
    (folder / "a.json").write_text(json.dumps({"annotations": [entry]}))
    (folder / "b.json").write_text(json.dumps({"annotations": [entry | {"segmentation": counts}]}))


def read_masks(folder: Path) -> None:
    """Read all of them."""
    for name in ("a.png", "a.json", "b.json"):
        read_mask(folder / name, 24, 32)


def write_depths(folder: Path) -> None:
    """Write depth in three formats."""
    depth = 1 + torch.rand(24, 32, generator=torch.Generator().manual_seed(0)).numpy()
    np.save(folder / "a.npy", depth)
    np.savez_compressed(folder / "a.npz", depth=depth)
    write_units(folder / "a.png", depth * 1000)
    Image.fromarray(depth.astype(np.float32)).save(folder / "a.tiff")


def read_depths(folder: Path) -> None:
    """Read all of them."""
    for name in ("a.npy", "a.npz", "a.png", "a.tiff"):
        read_depth_file(folder / name)


def write_store(folder: Path) -> None:
    """Write the features of two clips."""
    store = FeatureStore(folder, "toy")
    store.sign({"extractor": "toy"})
    for number, name in enumerate(("a", "b")):
        values = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(number)).half()
        store.write(name, Features(values, SlotMap(((0,), (1, 2), (3, 4)))))


def read_store(folder: Path) -> None:
    """Read all of it."""
    store = FeatureStore.open(folder)
    store.notes()
    for name in ("a", "b"):
        store.read_frames(name, [0, 4])


def write_label_file(folder: Path) -> None:
    """Write the labels of a clip."""
    clip = orbit_clip()
    points = clip.points()
    assert clip.depth is not None
    assert points is not None
    write_labels(
        folder / "a.safetensors",
        images=clip.video,
        depth=clip.depth,
        points=points.xyz,
        confidence=torch.ones_like(clip.depth),
        intrinsics=clip.intrinsics,
        world_T_cam=clip.world_T_cam,
    )


def read_label_file(folder: Path) -> None:
    """Read some frames of it."""
    labels = LabelFile(folder / "a.safetensors")
    labels.labels([0, labels.frames - 1])
    labels.images([0])


def write_run(folder: Path) -> None:
    """Write records with their manifest."""
    records = [record for record in toy_records(20) if record.arm == "good"]
    write_records(folder / "good-seed0" / "records" / "toy", records, collect_manifest({}))


def read_run(folder: Path) -> None:
    """Read both, as reports and `diff` do."""
    run = folder / "good-seed0" / "records" / "toy"
    read_records(run)
    read_manifest(run)
    open_run(str(run), Fields())


def write_study(folder: Path) -> None:
    """Write the archive of a study."""
    write_run(folder.parent / "live")
    (folder.parent / "live" / "good-seed0" / "metrics.csv").write_text("step,loss\n")
    (folder.parent / "live" / "good-seed0" / "model").mkdir()
    write_archive(folder, *trained_runs(folder.parent / "live"))


ANSWERS, SCORES = ["A", "B", "2"], [1.0, 0.0, 0.5]


def write_logs(folder: Path) -> None:
    """Write logs of two other tools."""
    lmms_eval_log(folder / "a_samples_vsibench.jsonl", ANSWERS, SCORES)
    for suffix in ("tsv", "json"):
        vlm_eval_kit_table(folder / f"a_result.{suffix}", ANSWERS, SCORES)


def read_logs(folder: Path) -> None:
    """Read all."""
    open_run(str(folder / "a_samples_vsibench.jsonl"), Fields())
    for suffix in ("tsv", "json"):
        open_run(str(folder / f"a_result.{suffix}"), Fields(metric="hit", category="question_type"))


def write_workbook(folder: Path) -> None:
    """Write a workbook of VLMEvalKit."""
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    vlm_eval_kit_table(folder / "a_result.xlsx", ANSWERS, SCORES)


def published(writer: Callable[[Path], list[str]], *words: str, opens: bool = False) -> Reading:
    """A downloaded benchmark: items are made of its rows, and where it `opens`, they are opened."""
    tasks: list[Any] = []

    def write(folder: Path) -> None:
        tasks.append(build(compose_config("bench", [*writer(folder), *words]).task))
        for path in () if opens else folder.rglob("*.*"):
            if path.suffix not in JSON:
                path.unlink()

    def read(folder: Path) -> None:
        tasks[0].folder, tasks[0].scenes = folder, folder / "scans"
        for item in tasks[0].items():
            if opens:
                open_item(item, folder)

    return write, read


def open_item(item: Item, folder: Path) -> None:
    """Open an item; an error of a mark names the item alone, as its file was read."""
    try:
        item.open()
    except OutOfView:
        return
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from error


def write_regionized(folder: Path) -> None:
    """Write the items of a run with its settings."""
    phrase = GroundedPhrase(Phrase("red square", ((0, 14),)), (Candidate(0, (8.0, 8.0, 20.0, 20.0), 0.9),), 0)
    asked = VideoQuestion("q/0", "a", "The red square?", "A", ("yes", "no"))
    begin(folder, {"detector": "toy"})
    write_items(folder / ITEMS, [Regionized(asked, 3, (phrase,)), Regionized(asked, 3, dropped="no region")])


def write_photographs(folder: Path) -> None:
    """A photographed object in a folder of its own, and the same in a list."""
    write_photo(folder / "found" / "box")
    write_photo(folder / "listed" / "box")
    columns = ["image", "mask", "mesh", "depth", "camera", "name"]
    files = [f"box/{file}" for file in ("image.png", "mask.png", "mesh.glb", "depth.png", "camera.json")]
    write_table(folder / "listed" / "objects.csv", columns, [[*files, "box"]])


def read_photographs(folder: Path) -> Any:
    """Read them whole, meshes included."""
    sources = [PhotoFolder(folder / name) for name in ("found", "listed")]
    return [source[0] for source in sources]


def read_aria(folder: Path) -> Any:
    """Read every table of a sequence."""
    tables = AriaTables(folder / "house")
    placed = tables.scene_T_object(UID, TIME_NS), tables.scene_T_device(TIME_NS)
    return tables.instances, tables.boxes, tables.seen("214-1"), placed


FORMATS: dict[str, Reading] = {
    **{f"picture.{suffix}": picture(suffix) for suffix in PICTURES},
    **{f"video.{suffix}": video(suffix) for suffix in VIDEOS},
    "tum": (tum, read_rgbd_folder),
    "nerfstudio": (nerfstudio, read_rgbd_folder),
    "redwood": (redwood, lambda folder: read_rgbd_folder(folder / "room")),
    "co3d": (lambda folder: write_category(folder, "cup", {"1_2_3": 4}), read_co3d),
    "dl3dv": (lambda folder: write_scene(folder, "1K", "abc", 4), read_dl3dv),
    "photographs": (write_photographs, read_photographs),
    "aria": (lambda folder: write_aria(folder / "house"), read_aria),
    "masks": (write_masks, read_masks),
    "depths": (write_depths, read_depths),
    "features": (write_store, read_store),
    "labels": (write_label_file, read_label_file),
    "records": (write_run, read_run),
    "archive": (write_study, read_archive),
    "logs": (write_logs, read_logs),
    "regionized": (write_regionized, lambda folder: (read_settings(folder), read_items(folder / ITEMS))),
    "workbook": (write_workbook, lambda folder: open_run(str(folder / "a_result.xlsx"), Fields(metric="hit"))),
    "vsi_bench": published(write_vsi_bench),
    "sti_bench": published(write_sti_bench),
    "vlm4d": published(write_vlm4d),
    "dsr_bench": published(write_dsr_bench),
    "r4d_bench": published(write_r4d_bench, "task.marks=regions", "task.regions=regions.json"),
    "blink_depth": published(write_blink_depth, "task.marks=regions", "task.regions=points.json"),
    "spatialrgpt_bench": published(write_spatialrgpt_bench, opens=True),
    "coco_regions": published(write_object_classes, opens=True),
    "scanqa": published(write_scanqa),
    "sqa3d": published(write_sqa3d),
    "scan2cap": published(write_scan2cap, opens=True),
    "mmscan": published(write_mmscan, opens=True),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_read_or_refused(name: str, tmp_path: Path, mutations: int) -> None:
    write, read = FORMATS[name]
    whole = tmp_path / "whole"
    whole.mkdir()
    write(whole)
    survives(read, lambda _: None, whole, tmp_path, mutations // 3, damage)
