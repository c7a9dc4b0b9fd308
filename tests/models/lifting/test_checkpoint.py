"""Folders of lifting models load under every version of transformers that is supported."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from models.lifting.calibration import Calibration
from models.lifting.checkpoint import DINOV2, KIND, build_model, load_model, save_model


@pytest.mark.parametrize("style", ["older", "newer"])
def test_weights_load_under_the_names_of_any_version_of_transformers(tmp_path: Path, style: str) -> None:
    torch.manual_seed(0)
    encoder = {"patch": 8, "width": 16, "depth": 1, "heads": 2}
    model = build_model(
        vae={"resolution": 16, "channels": [8, 8], "blocks": 1, "stem": 2, "patch": 2},
        flow={"width": 24, "depth": 1, "heads": 2, "layout_width": 16},
        conditioner={
            "width": 16,
            "image_size": 16,
            "image": encoder,
            "mask": encoder,
            "points": {"width": 16, "size": 16, "patch": 8, "heads": 2, "remap": "asinh"},
        },
        extent="object",
    ).half()
    save_model(model, tmp_path)
    renamed = {}
    for name, value in load_file(tmp_path / "model.safetensors").items():
        for old, new in DINOV2.items():
            name = name.replace(new, old) if style == "older" else name.replace(old, new)
        renamed[name] = value
    assert any(marker in name for name in renamed for marker in (DINOV2 if style == "older" else DINOV2.values()))
    save_file(renamed, tmp_path / "model.safetensors", {"kind": KIND})
    loaded = load_model(tmp_path)
    assert (loaded.extent, loaded.conditioner.point_encoder.remap, loaded.distilled) == ("object", "asinh", False)
    state = loaded.state_dict()
    assert all(torch.equal(value.float(), state[name]) for name, value in model.state_dict().items())


def test_a_model_with_a_refinement_flow_of_older_versions_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "config.json").write_text(json.dumps({"kind": KIND, "refinement": {"width": 8}}))
    with pytest.raises(ValueError, match="refinement flow, which region4d no longer reads; train the model again"):
        load_model(tmp_path)


def test_a_calibration_is_kept_beside_the_weights(tmp_path: Path) -> None:
    encoder = {"patch": 8, "width": 16, "depth": 1, "heads": 2}
    model = build_model(
        vae={"resolution": 16, "channels": [8, 8], "blocks": 1, "stem": 2, "patch": 2},
        flow={"width": 24, "depth": 1, "heads": 2, "layout_width": 16},
        conditioner={
            "width": 16,
            "image_size": 16,
            "image": encoder,
            "mask": encoder,
            "points": {"width": 16, "size": 16, "patch": 8, "heads": 2},
        },
    )
    save_model(model, tmp_path / "without")
    assert load_model(tmp_path / "without").calibration is None
    model.calibration = Calibration([-1.0, -2.0, -3.0, -4.0], 0.5, 0.4, 48)
    save_model(model, tmp_path / "with")
    assert load_model(tmp_path / "with").calibration == model.calibration
    (tmp_path / "with" / "calibration.json").write_text('{"bias": 1}')
    with pytest.raises(ValueError, match=r"calibration\.json"):
        load_model(tmp_path / "with")
