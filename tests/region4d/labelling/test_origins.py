"""What labels are of, under names that do not depend on where folders lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.providers import GeometryFiles
from region4d.labelling.origins import LabelOrigin


@pytest.mark.parametrize(
    ("geometry", "name"),
    [
        ("vggt:/weights/VGGT-1B@/code/vggt", "vggt:VGGT-1B"),
        ("vggt@/code/vggt", "vggt"),
        ("mapanything:pi3@map-anything", "mapanything:pi3"),
    ],
)
def test_a_model_is_named_without_its_folders(geometry: str, name: str) -> None:
    origin = LabelOrigin(True, geometry=geometry)
    assert origin.name == name
    assert not origin.reads_own_depth


def test_depth_is_the_data_sets_own_unless_another_is_given(tmp_path: Path) -> None:
    assert LabelOrigin(True).reads_own_depth
    assert LabelOrigin(False).name is None
    assert not LabelOrigin(True, depth=tmp_path).reads_own_depth
    assert LabelOrigin(True, depth=tmp_path).name == LabelOrigin(False, depth=tmp_path).name


def test_depth_of_another_program_is_found_by_the_name_of_the_clip(tmp_path: Path) -> None:
    np.savez(tmp_path / "apple-1.npz", depth=np.ones((1, 2, 2)))
    provider = LabelOrigin(True, depth=tmp_path).open()("apple-1")
    assert isinstance(provider, GeometryFiles)
    assert provider.path == tmp_path / "apple-1.npz"
