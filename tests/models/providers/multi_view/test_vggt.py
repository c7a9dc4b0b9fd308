"""VGGT from a checkout: a fake of its published interface, whose answers have a closed form."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.geometry import transform
from models.providers import VGGT, open_provider
from models.providers.multi_view.vggt import weight_file
from tests.support.folders.vggt_checkout import answer, weights

GREYS = (40, 90, 200)  # of uniform frames


def uniform(height: int, width: int) -> torch.Tensor:
    return torch.stack([torch.full((3, height, width), grey, dtype=torch.uint8) for grey in GREYS])


@pytest.mark.parametrize(("height", "width"), [(540, 960), (64, 36)])
def test_points_cameras_and_confidence_follow_the_published_conventions(vggt: str, height: int, width: int) -> None:
    estimate = open_provider(f"vggt:{vggt}")(uniform(height, width))
    assert not estimate.metric
    points = transform(estimate.points, estimate.world_T_cam, "world")
    for k, grey in enumerate(GREYS):
        expected, camera, intrinsics = answer(grey, k, height, width)
        np.testing.assert_allclose(points.xyz[k], expected, atol=1e-5)
        np.testing.assert_allclose(torch.linalg.inv(estimate.world_T_cam[k]), camera, atol=1e-5)
        np.testing.assert_allclose(estimate.intrinsics[k], intrinsics, rtol=1e-5)
        torch.testing.assert_close(estimate.confidence[k], torch.full((height, width), 1 + grey / 255))


def test_pictures_have_518_pixels_on_their_longer_side_and_values_of_bytes(
    vggt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = open_provider(f"vggt:{vggt}")
    seen = []
    network.network.aggregator.register_forward_hook(lambda _module, words, _out: seen.append(words[0]))
    video = torch.randint(0, 256, (2, 3, 54, 96), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    network(video)
    (pictures,) = seen
    assert pictures.shape == (1, 2, 3, 294, 518)  # the published label size of 16:9
    torch.testing.assert_close((pictures * 255).round(), pictures * 255, atol=1e-4, rtol=0)


def test_weights_are_a_folder_a_file_or_a_pickle_of_tensors(vggt: str, tmp_path: Path) -> None:
    folder, _, checkout = vggt.partition("@")
    for name in ("model.safetensors", "model.pt"):
        torch.save(weights(), Path(folder) / "model.pt")
        assert float(VGGT(Path(folder) / name, checkout).network.depth_head.bright) == 1
    (Path(folder) / "model.safetensors").unlink()
    assert weight_file(folder).name == "model.pt"


def test_heads_that_labels_do_not_read_may_be_missing_but_no_other(vggt: str) -> None:
    folder, _, checkout = vggt.partition("@")
    file = Path(folder) / "model.safetensors"
    parts = {name: value for name, value in weights().items() if not name.startswith(("point", "track"))}
    save_file(parts, file)
    VGGT(folder, checkout)
    del parts["depth_head.bright"]
    save_file(parts, file)
    with pytest.raises(ValueError, match=r"model.safetensors lacks weights: depth_head.bright"):
        VGGT(folder, checkout)


def test_what_is_missing_or_wrong_is_one_line_that_names_it(vggt: str, tmp_path: Path) -> None:
    folder, _, checkout = vggt.partition("@")
    with pytest.raises(FileNotFoundError, match="no checkout of VGGT at"):
        open_provider(f"vggt:{folder}@{tmp_path}")
    with pytest.raises(FileNotFoundError, match=r"no weights of VGGT.*hf download facebook/VGGT-1B"):
        open_provider(f"vggt:{tmp_path / 'none'}@{checkout}")
    with pytest.raises(FileNotFoundError, match="no weights of VGGT in"):
        open_provider(f"vggt:{checkout}@{checkout}")
    (Path(folder) / "config.json").write_text(json.dumps({"embed_dim": 7}))
    with pytest.raises(ValueError, match="otherwise shaped weights: aggregator"):
        open_provider(f"vggt:{folder}@{checkout}")
    (Path(folder) / "cut.pt").write_bytes(b"PK cut")
    with pytest.raises(ValueError, match=r"cut.pt is damaged"):
        open_provider(f"vggt:{folder}/cut.pt@{checkout}")


def test_a_checkout_that_cannot_be_imported_says_what_it_needs(vggt: str) -> None:
    folder, _, checkout = vggt.partition("@")
    (Path(checkout) / "vggt" / "heads" / "heads.py").write_text("import a_package_that_nobody_has\n")
    with pytest.raises(ImportError, match=r"a_package_that_nobody_has.*install what it needs"):
        VGGT(folder, checkout)


def test_without_a_checkout_the_installed_package_is_needed(vggt: str) -> None:
    folder, _, checkout = vggt.partition("@")
    shutil.rmtree(checkout)
    with pytest.raises(ImportError, match=r"VGGT cannot be imported.*vggt:WEIGHTS@CHECKOUT"):
        VGGT(folder)


def test_a_checkout_with_another_forward_is_refused(vggt: str) -> None:
    network = open_provider(f"vggt:{vggt}")
    network.network.depth_head = None
    with pytest.raises(ValueError, match="returns no depth, depth_conf"):
        network(uniform(28, 28))
