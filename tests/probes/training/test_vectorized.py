from functools import partial
from pathlib import Path

import pytest
import torch
from lightning import Trainer

from probes.clips.clip_sets import ClipSet
from probes.clips.label_table import fixed_views, label_table
from probes.features.extraction import fill_stores
from probes.features.options import ExtractionOptions
from probes.probe import Probe
from probes.training.in_memory_features import InMemoryFeatures
from probes.training.module import CLOUDS, ERRORS, ProbeTraining, read_errors
from probes.training.stored_features import StoredFeatures
from probes.training.vectorized import VectorizedProbeTraining, probe_folder
from tests.support.probes import MeanExtractor, toy_clips, trainer

TINY = partial(Probe, 2, width=16, depth=1, heads=2, camera_depth=1, dense="linear", subpixels=2)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    found = toy_clips(tmp_path_factory.mktemp("worlds"))
    found.prepare()
    return found


def data(clips: ClipSet, folder: Path, **options: object) -> InMemoryFeatures:
    plain: dict[str, object] = {
        "extractor": MeanExtractor(),
        "extraction": ExtractionOptions([1]),
        "batch_size": 3,
        "seed": 0,
    }
    made = InMemoryFeatures(clips=clips, labels=str(folder), **{**plain, **options})  # type: ignore[arg-type]
    made.prepare_data()
    return made


def several(layers: list[int], seeds: list[int], graphed: bool = False) -> VectorizedProbeTraining:
    return VectorizedProbeTraining(probe=TINY, layers=layers, seeds=seeds, learning_rate=3e-3, graphed=graphed)


def test_a_probe_among_several_learns_what_it_learns_alone(clips: ClipSet, tmp_path: Path) -> None:
    together = several([1], [0, 1])
    fit(trainer(tmp_path, 5), together, data(clips, tmp_path))
    fill_stores(MeanExtractor(), clips, ExtractionOptions([1], dtype="float16"), tmp_path / "store")
    for number, seed in enumerate(together.seeds):
        torch.manual_seed(seed)
        alone = ProbeTraining(probe=TINY(), learning_rate=3e-3)
        fit(
            trainer(tmp_path, 5),
            alone,
            StoredFeatures(clips=clips, store=tmp_path / "store/layer1", batch_size=3, seed=0),
        )
        for name, value in together.stack.parameters_of(0, number).items():
            assert torch.allclose(value, alone.probe.get_parameter(name), atol=1e-5)


def fit(
    how: Trainer, module: ProbeTraining | VectorizedProbeTraining, batches: InMemoryFeatures | StoredFeatures
) -> None:
    how.gradient_clip_val = 1.0
    how.fit(module, batches)
    how.test(module, batches, verbose=False)


def test_every_probe_is_measured_and_written(clips: ClipSet, tmp_path: Path) -> None:
    module = several([1], [0, 3])
    fit(trainer(tmp_path, 2), module, data(clips, tmp_path))
    module.export(tmp_path / "model")
    errors = []
    for seed in (0, 3):
        folder = tmp_path / "model" / probe_folder(1, seed)
        said = read_errors(folder / ERRORS)
        assert set(said["errors"]["test"]) == {"world-8", "world-9"}
        assert (said["features"]["layer"], said["features"]["blocks"]) == (1, 2)
        assert (folder / CLOUDS).is_file()
        errors.append(said["errors"])
    assert errors[0] != errors[1]


def test_kernels_are_not_recorded_without_a_gpu(clips: ClipSet, tmp_path: Path) -> None:
    module = several([1], [0], graphed=True)
    with pytest.raises(ValueError, match="runs without one"):
        trainer(tmp_path, 1).fit(module, data(clips, tmp_path))


@pytest.mark.gpu
def test_recorded_steps_are_those_that_are_run(clips: ClipSet, tmp_path: Path) -> None:
    found = []
    for graphed in (False, True):
        module = several([1], [0, 1], graphed)
        how = trainer(tmp_path / str(graphed), 5, "cuda")
        fit(how, module, data(clips, tmp_path))
        found.append([parameter.detach().cpu() for parameter in module.parameters()])
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(*found, strict=True))


def test_features_of_another_width_are_refused(clips: ClipSet, tmp_path: Path) -> None:
    module = VectorizedProbeTraining(
        probe=partial(Probe, 3, 16, 1, 2, dense="linear", camera_depth=1), layers=[1], seeds=[0], learning_rate=1e-3
    )
    with pytest.raises(ValueError, match=r"model\.channels=2"):
        trainer(tmp_path, 1).fit(module, data(clips, tmp_path))


@pytest.mark.parametrize("control", [None, "repeated", "shuffled"])
def test_features_in_memory_are_those_of_a_store(clips: ClipSet, tmp_path: Path, control: str | None) -> None:
    extractor, options = MeanExtractor(noisy=True), ExtractionOptions([1], sigma=0.3, control=control)
    made = data(clips, tmp_path, extractor=extractor, extraction=options)
    made.setup("fit")
    store = fill_stores(extractor, clips, options, tmp_path / "store")[1]
    for number, name in enumerate(clips.names):
        kept = store.read_frames(name, fixed_views(clips)).float()
        assert torch.allclose(made.features[0, number].float(), kept, atol=1e-3)  # half precision
    assert made.notes(1)["key"] == store.key


def test_labels_of_all_clips_come_from_one_file(clips: ClipSet, tmp_path: Path) -> None:
    first, again = label_table(clips, tmp_path), label_table(clips, tmp_path)
    assert torch.equal(first["points"][3], clips.labels(clips.names[3], [0, 2]).points)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert len(list(tmp_path.glob("*.safetensors"))) == 1


def test_shuffled_labels_are_those_of_other_clips(clips: ClipSet, tmp_path: Path) -> None:
    plain, shuffled = (data(clips, tmp_path, shuffled_labels=flag) for flag in (False, True))
    for one in (plain, shuffled):
        one.setup("fit")
    own, other = (next(iter(one.train_dataloader())) for one in (plain, shuffled))
    assert own["clips"] == other["clips"]
    assert torch.equal(own["features"], other["features"])
    assert not any(torch.equal(a, b) for a, b in zip(own["labels"]["depth"], other["labels"]["depth"], strict=True))


def test_views_that_are_drawn_anew_are_refused(clips: ClipSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "kept", lambda _name: [0, 1, 2])
    with pytest.raises(ValueError, match="always the same frames"):
        fixed_views(clips)
