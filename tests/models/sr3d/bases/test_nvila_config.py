"""The fields of an NVILA config: read, without effect, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models.sr3d.bases.nvila_config import FIXED, READ, UNUSED, read_nvila_config

HEAD = {"mm_projector_type": "mlp_downsample_3x3_fix"}


def read(projector: dict[str, Any] | None = None, **top: Any) -> Any:
    return read_nvila_config(top, HEAD if projector is None else projector, tower_width=64, width=96)


def test_what_a_config_leaves_out_is_what_vila_assumes() -> None:
    nvila = read()
    assert (nvila.projector, nvila.select_layer, nvila.max_tiles, nvila.video_frames) == ("downsample_3x3", -2, 12, 8)
    assert (nvila.tile_text, nvila.tile_suffix, nvila.frame_suffix) == ("\n", ("\n",), ("\n",))


def test_settings_reach_the_model_and_the_processor() -> None:
    encoder = '{"_target_": "llava.model.encoders.BasicImageEncoder", "start_tokens": null, "end_tokens": "<end>"}'
    nvila = read(
        {},
        max_tiles=6,
        num_video_frames=16,
        mm_vision_select_layer=-1,
        image_encoder=encoder,
        video_encoder={"end_tokens": None},
        mm_projector_cfg={"mm_projector_type": "mlp2x_gelu"},
    )
    assert (nvila.projector, nvila.select_layer, nvila.max_tiles, nvila.video_frames) == ("mlp", -1, 6, 16)
    assert (nvila.tile_suffix, nvila.frame_suffix) == (("<end>",), ())


def test_a_picture_that_is_resized_is_one_tile_without_text_behind_it() -> None:
    nvila = read(image_aspect_ratio="resize", max_tiles=12)
    assert (nvila.max_tiles, nvila.tile_text, nvila.tile_suffix) == (1, "", ("\n",))


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ({"image_aspect_ratio": "dynamic_s2"}, "image_aspect_ratio='dynamic_s2': known here is dynamic, resize"),
        ({"use_time_pe": "sine"}, "use_time_pe='sine': known here is False, True"),
        ({"enable_depth": True}, "enable_depth=True: known with a Llama"),
        ({"encoder_l4p": "l4p.ckpt"}, "the field encoder_l4p='l4p.ckpt', which is not known here"),
        ({"fps": 2.0}, "fps=2.0: known here is 0"),
        ({"max_tiles": "12"}, "max_tiles='12': known here is a whole number"),
        ({"num_video_frames": -8}, "num_video_frames=-8: known here is a whole number"),
        ({"mm_vision_select_layer": None, "max_tiles": True}, "max_tiles=True: known here is a whole number"),
        ({"mm_vision_select_feature": "patch"}, "mm_vision_select_feature='patch': known here is cls_patch"),
        ({"chat_template": "other"}, "chat_template='other': known here is null"),
        ({"num_time_tokens": 100}, "num_time_tokens=100: known here is 0"),
        ({"video_encoder": '{"_target_": "llava.TSPVideoEncoder"}'}, "known here is BasicVideoEncoder"),
        ({"image_encoder": {"start_tokens": "<a>"}}, "known here is BasicImageEncoder with `end_tokens` alone"),
        ({"mm_hidden_size": 65}, "mm_hidden_size=65, but the part in the folder is 64 wide"),
        ({"hidden_size": 95}, "hidden_size=95, but the part in the folder is 96 wide"),
        ({"look_twice": True}, "the field look_twice=True, which is not known here"),
    ],
)
def test_a_value_that_is_not_known_is_refused_by_name(top: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(**top)


def test_a_llama_is_vila15_whose_projector_lists_tokens_by_columns() -> None:
    top = {"image_aspect_ratio": "resize", "enable_region": True}
    found = read_nvila_config(top, {"mm_projector_type": "mlp_downsample"}, 64, 96, "llama")
    assert (found.projector, found.regions, found.depth) == ("downsample_2x2_columns", True, False)
    assert read({"mm_projector_type": "mlp_downsample"}).projector == "downsample_2x2"


def test_the_line_about_the_duration_is_that_of_4d_rgpt_alone() -> None:
    assert read().duration_line == ""
    assert read(ld_weight=0.01).duration_line.startswith("These images are uniformly sampled from a video of {} sec")
    assert (read(use_time_pe=True).timestamps, read(ld_weight=0.01).timestamps) == (True, False)


def test_an_unknown_projector_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="mm_projector_type='mlp_downsample_3x3_s2': known here is mlp_downsample_3x3"):
        read({"mm_projector_type": "mlp_downsample_3x3_s2"})


def test_a_field_is_read_or_has_no_effect() -> None:
    assert not UNUSED & (READ.keys() | FIXED.keys())


def test_the_guide_names_every_field() -> None:
    page = (Path(__file__).parents[4] / "docs" / "guides" / "checkpoints.md").read_text()
    assert [name for name in sorted(READ.keys() | FIXED.keys() | UNUSED) if f"`{name}`" not in page] == []
