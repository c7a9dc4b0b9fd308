"""Photographed objects in a store: sizes, places, what is not known, and estimated depth."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.geometry import invert, transform_points, unproject
from models.providers import GeometryEstimate
from scenes.photographs import store as store_module
from scenes.photographs.folder import PhotoFolder
from scenes.photographs.store import PhotoStore
from tests.support.photographs import INTRINSICS, SIDES, box_pose, write_photo


def test_objects_are_read_back_as_they_were_and_points_lie_on_the_box(tmp_path: Path) -> None:
    write_photo(tmp_path / "photos" / "a")
    write_photo(tmp_path / "photos" / "b", depth=False, camera=False)
    store = PhotoStore(PhotoFolder(tmp_path / "photos"), root=tmp_path / "shards")
    store.render(1)
    item, bare = store
    torch.testing.assert_close(item.cam_T_obj[:3, 3], box_pose()[:3, 3].float())
    assert float(item.scale) == pytest.approx(SIDES.max() / 0.9)
    points = unproject(item.depth, item.intrinsics)
    in_cube = transform_points(points.xyz[points.valid & item.mask], invert(item.cam_T_obj)) / item.scale
    half = 0.45 * torch.tensor([0.4, 0.2, 0.3]) / 0.4  # z up
    assert float((in_cube.abs() / half).amax(1).sub(1).abs().max()) < 0.02  # each on a side; depth is in millimetres
    assert store.cluster(item, 0) == "a"
    assert bare.cam_T_obj.isnan().all()
    assert bare.scale.isnan()
    assert bare.occlusion.isnan()
    assert not bool(bare.depth.any())
    assert float(bare.intrinsics[0, 0]) == pytest.approx(64 / 2 / 3**-0.5, rel=1e-4)  # 60 degrees


def test_large_photos_are_shrunk_with_their_camera(tmp_path: Path) -> None:
    write_photo(tmp_path / "a")
    (item,) = PhotoStore(PhotoFolder(tmp_path), longest=32, root=tmp_path).draw(range(1))
    assert item.image.shape == (3, 24, 32)
    torch.testing.assert_close(item.intrinsics[:2], INTRINSICS[:2] / 2)
    points = unproject(item.depth, item.intrinsics)
    middle = points.xyz[points.valid & item.mask].mean(0)
    assert float((middle - box_pose()[:3, 3].float()).norm()) < 0.2


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda pose: pose * torch.tensor([1, 2, 1, 1]).double(), "must be a rotation, one positive scale"),
        (lambda pose: pose * torch.tensor([-1, 1, 1, 1]).double(), "must be a rotation, one positive scale"),
    ],
)
def test_a_pose_that_is_no_similarity_is_refused(tmp_path: Path, spoil: Callable[[Tensor], Tensor], said: str) -> None:
    folder = write_photo(tmp_path / "a")
    (folder / "camera.json").write_text(json.dumps({"cam_T_mesh": spoil(box_pose()).tolist()}))
    with pytest.raises(ValueError, match=said):
        PhotoStore(PhotoFolder(tmp_path), root=tmp_path).draw(range(1))


def test_an_empty_mask_is_refused(tmp_path: Path) -> None:
    folder = write_photo(tmp_path / "a")
    (folder / "mask.png").write_bytes(black_picture())
    with pytest.raises(ValueError, match="the mask of a is empty"):
        PhotoStore(PhotoFolder(tmp_path), root=tmp_path).draw(range(1))


@pytest.mark.parametrize("metric", [True, False])
def test_estimated_depth_of_unknown_scale_leaves_the_place_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metric: bool
) -> None:
    class Flat:
        joins_frames = False

        def __init__(self, name: str) -> None:
            assert name == "a_model"

        def __call__(self, video: Tensor, intrinsics: Tensor | None = None) -> GeometryEstimate:
            assert intrinsics is not None
            points = unproject(torch.full((1, *video.shape[-2:]), 2.0), intrinsics)
            return GeometryEstimate(points, intrinsics, metric)

    monkeypatch.setattr(store_module, "DepthModel", Flat)
    write_photo(tmp_path / "a", depth=False)
    store = PhotoStore(PhotoFolder(tmp_path), depth_model="a_model", root=tmp_path)
    (item,) = store.draw(range(1))
    assert bool((item.depth == 2).all())
    assert bool(item.cam_T_obj.isnan().any()) != metric
    assert store.about.endswith("; other depth by a_model")
    assert store.key != PhotoStore(store.source, root=tmp_path).key


def black_picture() -> bytes:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("L", (64, 48)).save(file, "PNG")
    return file.getvalue()
