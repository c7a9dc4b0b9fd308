"""What labels are of, under names that do not depend on where folders lie."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.providers import GeometryFiles
from models.providers.multi_view import vggt
from models.providers.multi_view.vggt import PUBLISHED
from probes.clips.prepared_files import OWN_DEPTH
from region4d.labelling.origins import LabelOrigin


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights, which the cache of the Hub has under the published name, too."""
    write_weights(tmp_path / "VGGT-1B", 0.0)
    monkeypatch.setattr(vggt, "local_folder", lambda name: {PUBLISHED: tmp_path / "VGGT-1B"}.get(name, Path(name)))
    return tmp_path / "VGGT-1B"


def write_weights(folder: Path, middle: float) -> Path:
    """Write weights that differ in the middle alone."""
    values = torch.zeros(100_000)
    values[20_000:80_000] = middle
    folder.mkdir(parents=True)
    save_file({"weight": values}, folder / "model.safetensors")
    return folder


def test_the_published_weights_have_one_name_however_they_are_given(weights: Path) -> None:
    forms = ("vggt", "vggt:@/code/vggt", f"vggt:{PUBLISHED}", f"vggt:{weights}", f"vggt:{weights}/@other/checkout")
    (name,) = {LabelOrigin(True, geometry=form).of("apple-1") for form in forms}
    assert re.fullmatch(r"vggt:VGGT-1B \([0-9a-f]{12}\)", name)


def test_other_weights_of_the_same_name_and_size_are_another_origin(weights: Path, tmp_path: Path) -> None:
    paths = (weights, write_weights(tmp_path / "a" / "VGGT-1B", 1.0))
    files = [path / "model.safetensors" for path in paths]
    assert files[0].stat().st_size == files[1].stat().st_size
    for given in (paths, files):
        assert len({LabelOrigin(True, geometry=f"vggt:{path}@code").of("apple-1") for path in given}) == 2


@pytest.mark.parametrize("form", ["mapanything", "mapanything:", "mapanything:mapanything@map-anything"])
def test_a_model_of_mapanything_is_known_by_its_name(form: str) -> None:
    assert LabelOrigin(True, geometry=form).of("apple-1") == "mapanything:mapanything"
    assert not LabelOrigin(True, geometry=form).reads_own_depth


def test_depth_is_the_data_sets_own_unless_another_is_given(tmp_path: Path) -> None:
    assert LabelOrigin(True).reads_own_depth
    assert LabelOrigin(True).of("apple-1") == OWN_DEPTH
    assert not LabelOrigin(False).gives_labels
    assert not LabelOrigin(True, depth=tmp_path).reads_own_depth
    assert LabelOrigin(False, depth=tmp_path).gives_labels


def test_depth_is_known_by_its_contents_and_not_by_its_folder(tmp_path: Path) -> None:
    for folder, value in (("first", 1.0), ("second", 2.0), ("moved", 1.0)):
        (tmp_path / folder / "apple-2").mkdir(parents=True)
        save_file({"depth": torch.full((2, 4, 4), value)}, tmp_path / folder / "apple-1.safetensors")
        for frame in range(2):
            depth = {"depth": torch.full((4, 4), value * frame)}
            save_file(depth, tmp_path / folder / "apple-2" / f"{frame}.safetensors")
    for clip in ("apple-1", "apple-2"):
        first, second, moved = (
            LabelOrigin(False, depth=tmp_path / folder).of(clip) for folder in ("first", "second", "moved")
        )
        assert first == moved != second


def test_depth_of_another_program_is_found_by_the_name_of_the_clip(tmp_path: Path) -> None:
    np.savez(tmp_path / "apple-1.npz", depth=np.ones((1, 2, 2)))
    provider = LabelOrigin(True, depth=tmp_path).open()("apple-1")
    assert isinstance(provider, GeometryFiles)
    assert provider.path == tmp_path / "apple-1.npz"
