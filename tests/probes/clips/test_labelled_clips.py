from pathlib import Path

import pytest
import torch

from probes.clips.label_files import write_labels
from probes.clips.labelled_clips import LabelledClips
from probes.clips.view_sampler import ViewSampler
from probes.features.extraction import fill_stores
from probes.features.options import ExtractionOptions
from probes.training.stored_features import StoredFeatures
from tests.support.clips.random_geometry import random_poses
from tests.support.probes import MeanExtractor

FRAMES = 14


@pytest.fixture
def clips(tmp_path: Path) -> LabelledClips:
    generator = torch.Generator().manual_seed(0)
    for k in range(10):
        depth = 1 + torch.rand(FRAMES, 6, 8, generator=generator)
        write_labels(
            tmp_path / "labels" / f"clip-{k}.safetensors",
            images=torch.randint(0, 256, (FRAMES, 3, 6, 8), dtype=torch.uint8, generator=generator),
            depth=depth,
            points=torch.zeros(FRAMES, 6, 8, 3),
            confidence=torch.ones(FRAMES, 6, 8),
            intrinsics=torch.tensor([[7.0, 0, 4], [0, 7.5, 3], [0, 0, 1]]).repeat(FRAMES, 1, 1),
            world_T_cam=random_poses(generator, FRAMES),
        )
    sampler = ViewSampler(views=3, context=FRAMES, gap=3, stride=2)
    return LabelledClips(folder=str(tmp_path / "labels"), sampler=sampler)


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
