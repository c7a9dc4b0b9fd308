import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from probes.clips.label_files import write_labels
from probes.clips.label_table import table_key
from probes.clips.labelled_clips import LabelledClips
from probes.clips.view_sampler import ViewSampler
from probes.features.extraction import fill_stores
from probes.features.options import ExtractionOptions
from probes.features.store import FeatureStore
from probes.training.stored_features import StoredFeatures
from tests.support.clips.random_geometry import random_poses
from tests.support.probes import MeanExtractor

FRAMES = 14


def write_clip(folder: Path, k: int, frames: int = FRAMES) -> None:
    generator = torch.Generator().manual_seed(k)
    write_labels(
        folder / f"clip-{k}.safetensors",
        images=torch.randint(0, 256, (frames, 3, 6, 8), dtype=torch.uint8, generator=generator),
        depth=1 + torch.rand(frames, 6, 8, generator=generator),
        points=torch.zeros(frames, 6, 8, 3),
        confidence=torch.ones(frames, 6, 8),
        intrinsics=torch.tensor([[7.0, 0, 4], [0, 7.5, 3], [0, 0, 1]]).repeat(frames, 1, 1),
        world_T_cam=random_poses(generator, frames),
    )


def labelled(folder: Path) -> LabelledClips:
    return LabelledClips(folder=str(folder), sampler=ViewSampler(views=3, context=FRAMES, gap=3, stride=2))


@pytest.fixture
def clips(tmp_path: Path) -> LabelledClips:
    for k in range(10):
        write_clip(tmp_path / "labels", k)
    return labelled(tmp_path / "labels")


def test_a_store_survives_added_clips_and_moved_folders_but_no_changed_clip(
    clips: LabelledClips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def extracted(labels: Path) -> list[str]:
        """Fill the store, and list the clips that were extracted for it."""
        made: list[str] = []
        write = FeatureStore.write
        with monkeypatch.context() as patch:
            patch.setattr(
                FeatureStore, "write", lambda store, clip, *rest: (made.append(clip), write(store, clip, *rest))
            )
            fill_stores(MeanExtractor(), labelled(labels), ExtractionOptions([0]), tmp_path / "features")
        return [name.partition(".")[0] for name in made]

    assert len(extracted(clips.folder)) == 10
    write_clip(clips.folder, 10)
    assert extracted(clips.folder) == ["clip-10"]
    moved = clips.folder.rename(tmp_path / "elsewhere")
    assert extracted(moved) == []
    write_clip(moved, 3, FRAMES + 2)
    assert extracted(moved) == ["clip-3"]
    shutil.copy(moved / "clip-7.safetensors", moved / "clip-4.safetensors")  # as many bytes
    assert extracted(moved) == ["clip-4"]


def test_other_labels_of_the_same_pictures_make_another_table(clips: LabelledClips) -> None:
    views = list(range(3))
    before, stored = table_key(clips, views), clips.stored_name("clip-3")
    path = clips.folder / "clip-3.safetensors"
    save_file({**load_file(path), "depthmaps": load_file(path)["depthmaps"] + 1}, path)
    again = labelled(clips.folder)
    assert again.stored_name("clip-3") == stored
    assert (changed := table_key(again, views)) != before
    again.unproject = False
    assert table_key(again, views) not in (before, changed)


def test_features_and_labels_of_drawn_views_come_batch_by_batch(clips: LabelledClips, tmp_path: Path) -> None:
    fill_stores(MeanExtractor(), clips, ExtractionOptions([0]), tmp_path / "features")
    data = StoredFeatures(clips=clips, store=tmp_path / "features" / "layer0", batch_size=4, seed=0)
    batches = iter(data.train_dataloader())
    one, other = next(batches), next(batches)
    assert one["features"].shape == (4, 3, 2, 2, 1)
    assert one["labels"]["points"].shape == (4, 3, 6, 8, 3)
    assert one["labels"]["points"].abs().sum() > 0  # unprojected: the stored points are 0
    assert not torch.equal(one["features"], other["features"])


def test_views_of_test_clips_are_fixed_and_those_of_training_drawn(clips: LabelledClips) -> None:
    assert clips.views("clip-3") == clips.views("clip-3")
    generator = torch.Generator().manual_seed(0)
    assert len({tuple(clips.views("clip-3", generator)) for _ in range(20)}) > 1


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no label files"):
        LabelledClips(folder=str(tmp_path), sampler=ViewSampler())
