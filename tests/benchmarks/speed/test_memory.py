"""The memory that is computed without weights is that of a real run."""

from __future__ import annotations

import gc

import pytest
import torch

from benchmarks.speed.memory import NVILA_LITE_8B, LiveBytes, answer_memory, weight_bytes
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration
from models.sr3d.answering import Answerer

SMALL = {
    **NVILA_LITE_8B,
    "vision_config": {**NVILA_LITE_8B["vision_config"], "hidden_size": 64, "intermediate_size": 256}
    | {"num_hidden_layers": 3, "num_attention_heads": 4, "image_size": 96, "patch_size": 8},
    "text_config": {**NVILA_LITE_8B["text_config"], "hidden_size": 64, "intermediate_size": 256}
    | {"num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512},
    "tile_size": 96,
    "stride": 8,
}


def test_live_bytes_are_counted_until_they_are_freed() -> None:
    with LiveBytes() as live:
        first = torch.zeros(1000)
        view = first[:10]
        second = torch.zeros(500)
        assert live.now == 6000
        del second
        gc.collect()
        assert (live.now, live.peak) == (4000, 6000)
        del first, view
        gc.collect()
        assert live.now == 0
        assert live.restart() == 6000
        assert live.peak == 0


def test_the_stages_on_meta_are_those_of_a_real_run() -> None:
    config, frames = SR3DConfig(**SMALL), 20
    computed = answer_memory(config, frames, regions=2, text=50)
    model = SR3DForConditionalGeneration(config).to(torch.bfloat16).eval()
    assert computed.weights == weight_bytes(model, None)
    with torch.inference_mode(), LiveBytes() as live:
        points = torch.zeros(frames, 12, 12, 3), torch.ones(frames, 12, 12, dtype=torch.bool)
        features = model.encode_tiles(torch.zeros(frames, 3, 96, 96), *points)
        del points
        tower = live.restart()
        tokens = model.projector(features)
        projector = live.restart()
        embeds = torch.cat([tokens.flatten(0, 2), torch.zeros(50, 64, dtype=torch.bfloat16)])[None]
        del tokens
        outputs = model.language_model.base_model(inputs_embeds=embeds, use_cache=True)
        language = live.restart()
        assert outputs.last_hidden_state.isfinite().all()
    assert computed.tower == pytest.approx(tower, rel=0.1)
    assert computed.projector == pytest.approx(projector, rel=0.1)
    assert computed.language == pytest.approx(language, rel=0.1)


def test_more_frames_do_not_widen_the_tower() -> None:
    few, many = (answer_memory(SR3DConfig(**SMALL), frames, 1) for frames in (16, 64))
    features = 48 * 12 * 12 * 64 * 2
    pixels = 48 * 96 * 96 * 3 * (4 + 2)
    assert many.tower - few.tower < 3 * features + 1.2 * pixels


@pytest.mark.parametrize("bits", [8, 4])
def test_quantised_weights_are_as_large_as_those_of_bitsandbytes(bits: int) -> None:
    pytest.importorskip("bitsandbytes", reason="needs the extra quantized")
    whole = SR3DForConditionalGeneration.from_pretrained(Answerer.from_folder("sr3d_tiny_3d", "cpu").model.name_or_path)
    quantised = Answerer.from_folder("sr3d_tiny_3d", "cpu", "float32", bits).model
    stored = sum(one.numel() * one.element_size() for one in (*quantised.parameters(), *quantised.buffers()))
    for part in quantised.modules():
        state = getattr(getattr(part, "weight", None), "quant_state", None)
        stored += 0 if state is None else state.absmax.nbytes
        scale = getattr(getattr(part, "weight", None), "SCB", None)
        stored += 0 if scale is None else scale.nbytes
    assert weight_bytes(whole, bits) == pytest.approx(stored, rel=0.01)
