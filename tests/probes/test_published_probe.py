"""The probe of `model=probe/published` gives what VidFM3D's own code gave with the same weights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from safetensors.torch import load_file
from torch import Tensor

from probes import Probe
from region4d.configuration.compose import compose_config

GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "vidfm3d_probe"
CLOSE = {"atol": 1e-5, "rtol": 1e-5}  # another order of the same sums
SIZES = ["model.channels=48", "model.width=64", "model.dense_width=32", "model.stages=[16,32,64,64]"]
NAMES = {  # regular expressions of published names, in this order, and ours
    r"backbone\.input_proj": "read_in",
    r"backbone\.frame_blocks": "within",
    r"backbone\.global_blocks": "among",
    r"attn\.qkv": "qkv",
    r"attn\.proj": "out",
    r"attn\.q_norm": "query_norm",
    r"attn\.k_norm": "key_norm",
    r"ls(\d)\.gamma": r"scale\1",
    r"fc1": "0",
    r"fc2": "2",
    r"pose_branch": "change",
    r"empty_pose_tokens": "first_pose",
    r"embed_pose": "embed",
    r"poseLN_modulation": "modulation",
    r"projects\.(\d)": r"neck.reassemble_stage.layers.\1.projection",
    r"resize_layers\.(\d)": r"neck.reassemble_stage.layers.\1.resize",
    r"conv(\d)": r"convolution\1",
    r"resConfUnit": "residual_layer",
    r"out_conv": "projection",
    r"scratch\.output_convolution1": "narrow",
    r"scratch\.output_convolution2": "last",
}


def ours(name: str) -> str:
    """Translate the published name of a parameter."""
    name = re.sub(r"scratch\.layer(\d)_rn", lambda found: f"neck.convs.{int(found[1]) - 1}", name)
    name = re.sub(r"scratch\.refinenet(\d)", lambda found: f"neck.fusion_stage.layers.{4 - int(found[1])}", name)
    for published, own in NAMES.items():
        name = re.sub(published, own, name)
    return name


@pytest.fixture(scope="module")
def probe() -> Probe:
    if not GOLDEN.is_dir():
        pytest.skip(f"no {GOLDEN.name} beside the repository: values recorded from VidFM3D")
    state = {name: value.float() for name, value in load_file(GOLDEN / "state.safetensors").items()}
    special = [state.pop(f"backbone.{kind}_token")[0] for kind in ("camera", "register")]
    config = compose_config("train", ["experiment=probe/published", *SIZES])
    made: Probe = instantiate(config.model)
    made.load_state_dict({"special": torch.cat(special, 1), **{ours(name): value for name, value in state.items()}})
    return made.eval()


@torch.no_grad()
@pytest.mark.parametrize("grid", ["even", "odd"])
def test_points_depth_and_cameras_are_the_published_ones(probe: Probe, grid: str) -> None:
    golden = load_file(GOLDEN / f"{grid}.safetensors")
    recorded: dict[str, Tensor] = {
        name.removeprefix("published."): value for name, value in golden.items() if name.startswith("published.")
    }
    depth = recorded["depth"][..., 0]
    found = probe(golden["features"].movedim(2, -1), (depth.shape[-2], depth.shape[-1]))
    torch.testing.assert_close(found.depth, depth, **CLOSE)
    torch.testing.assert_close(found.depth_confidence, recorded["depth_conf"], **CLOSE)
    torch.testing.assert_close(found.points, recorded["world_points"], **CLOSE)
    torch.testing.assert_close(found.point_confidence, recorded["world_points_conf"], **CLOSE)
    torch.testing.assert_close(torch.stack(found.cameras), recorded["pose_enc_list"], **CLOSE)
