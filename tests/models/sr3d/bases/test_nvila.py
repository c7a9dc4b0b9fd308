"""NVILA-Lite folders: a tiny one in the published layout gives the logits of its stock parts, put together by hand."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM, SiglipVisionConfig, SiglipVisionModel

from models.sr3d.bases.loading import OURS
from models.sr3d.bases.nvila import load_nvila_lite, load_nvila_lite_model, load_nvila_lite_processor
from tests.support.folders.nvila_folder import CHANNELS, GRID, HEAD, PROJECTORS, TAIL, write_nvila
from tests.support.sr3d import pixels, two_regions, world_points


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nvila(tmp_path_factory.mktemp("nvila"))


def _projected(features: Tensor, kind: str, weights: dict[str, Tensor]) -> Tensor:
    """Run a projector of VILA by hand: blocks of side x side features, row by row, zeros beyond the end."""
    side = {"mlp_downsample_3x3_fix": 3, "mlp_downsample_2x2_fix": 2, "mlp_downsample": 2}.get(kind, 1)
    rows = -(-GRID // side)
    padded = torch.zeros(len(features), rows * side, rows * side, CHANNELS)
    padded[:, :GRID, :GRID] = features
    corners = [(r * side, c * side) for r in range(rows) for c in range(rows)]
    tokens = torch.stack([padded[:, r : r + side, c : c + side].flatten(1) for r, c in corners], 1)
    layers = list(PROJECTORS[kind])
    for number, layer in enumerate(layers):
        weight, bias = weights[f"layers.{layer}weight"], weights[f"layers.{layer}bias"]
        if weight.ndim == 1:
            tokens = F.layer_norm(tokens, weight.shape, weight, bias)
        else:
            tokens = F.linear(tokens, weight, bias)
            if number + 1 < len(layers):
                tokens = F.gelu(tokens)
    return tokens


def _by_hand(
    folder: Path,
    images: Tensor,
    question: str,
    kind: str = "mlp_downsample_3x3_fix",
    seconds: Sequence[float] | None = None,
) -> Tensor:
    """Run the stock parts: hidden state -2 (plus when it was seen), the projector, a newline after each frame."""
    tower = SiglipVisionModel(SiglipVisionConfig.from_pretrained(folder / "vision_tower")).eval()
    stored = load_file(folder / "vision_tower" / "model.safetensors")
    tower.load_state_dict({key.removeprefix("vision_model."): value for key, value in stored.items()})
    hidden = tower(images, output_hidden_states=True).hidden_states[-2].reshape(len(images), GRID, GRID, CHANNELS)
    for frame, when in zip(hidden, seconds or (), strict=seconds is not None):
        for i in range(0, CHANNELS, 2):  # 4D-RGPT equation 5
            angle = when / 10_000 ** (i / CHANNELS)
            frame[..., i] += math.sin(angle)
            frame[..., i + 1] += math.cos(angle)
    tokens = _projected(hidden, kind, load_file(folder / "mm_projector" / "model.safetensors"))

    llm = Qwen2ForCausalLM.from_pretrained(folder / "llm").eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "llm")

    def text(words: str) -> Tensor:
        embedded: Tensor = llm.get_input_embeddings()(tokenizer(words, return_tensors="pt")["input_ids"])[0]
        return embedded

    frames = [part for frame in tokens for part in (frame, text("\n"))]
    logits: Tensor = llm(inputs_embeds=torch.cat([text(HEAD), *frames, text(question + TAIL)])[None]).logits
    return logits


def test_logits_equal_those_of_the_stock_classes_composed_by_hand(folder: Path) -> None:
    model, processor = load_nvila_lite(folder, dtype=torch.float32)
    video = pixels(0, 2)
    question = "How far is the cup?"
    batch = processor(text=[question], videos=[video], points=[world_points(0, 2)])
    with torch.no_grad():
        expected = _by_hand(folder, batch["pixel_values"], question)
        logits = model(**batch).logits
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)  # a different order of the same products


@pytest.mark.parametrize("kind", [kind for kind in PROJECTORS if kind != "mlp_downsample_3x3_fix"])
def test_every_projector_and_a_padded_vocabulary_give_the_logits_of_the_stock_classes(
    tmp_path: Path, kind: str
) -> None:
    folder = write_nvila(tmp_path / "nvila", kind, padding=7)
    model, processor = load_nvila_lite(folder, dtype=torch.float32)
    batch = processor(text=["How far is the cup?"], videos=[pixels(0, 2)])
    with torch.no_grad():
        logits = model(**batch).logits
        expected = _by_hand(folder, batch["pixel_values"], "How far is the cup?", kind)
    assert logits.shape[-1] == expected.shape[-1] - 7  # rows beyond the tokenizer, which VILA cuts
    torch.testing.assert_close(logits, expected[..., :-7], atol=1e-5, rtol=1e-5)


FOUR_D = {  # what 4D-RGPT's public code reads from its config, and what its training script passes
    "use_time_pe": True,
    "ld_weight": 0.01,
    "ed_weights": "depth=0.1,flow_2d_backward=0.001",
    "distill_tasks": ["depth"],
    "disable_distillation": False,
    "num_video_frames": 16,
    "tune_region_extractor": True,
}


def _four_d(folder: Path, root: Path, **change: Any) -> Path:
    shutil.copytree(folder, root)
    top = json.loads((folder / "config.json").read_text())
    (root / "config.json").write_text(json.dumps({**top, **FOUR_D, **change}))
    return root


def test_a_4d_rgpt_has_timestamps_before_its_projector_and_says_how_long_a_video_takes(
    folder: Path, tmp_path: Path
) -> None:
    changed = _four_d(folder, tmp_path / "rgpt4d")
    model, processor = load_nvila_lite(changed, dtype=torch.float32)
    assert (model.config.timestamp_encoding, processor.video_frames) == ("before_projector", 16)
    batch = processor(text=["How fast?"], videos=[pixels(0, 2)], seconds=[torch.tensor([0.25, 1.75])])
    line = "These images are uniformly sampled from a video of 1.5 seconds.\n"
    with torch.no_grad():
        logits = model(**batch).logits
        expected = _by_hand(changed, batch["pixel_values"], f"{line}How fast?", seconds=(0.25, 1.75))
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)


def test_a_4d_rgpt_without_timestamps_in_its_config_has_none(folder: Path, tmp_path: Path) -> None:
    model, processor = load_nvila_lite(_four_d(folder, tmp_path / "off", use_time_pe=False), dtype=torch.float32)
    assert model.config.timestamp_encoding == "none"
    assert processor.time_prompt
    with pytest.raises(ValueError, match="says how long a video takes: give its `seconds`"):
        processor(text=["How fast?"], videos=[pixels(0, 2)])
    processor(text=["What is it?"], images=[pixels(0, 1)[0]])
    quiet = load_nvila_lite_processor(tmp_path / "off", time_prompt=False)
    quiet(text=["How fast?"], videos=[pixels(0, 2)])


def test_regions_of_a_4d_rgpt_are_refused_or_said_to_be_unused(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(ValueError, match="enable_region=True: known with a Llama"):
        load_nvila_lite(_four_d(folder, tmp_path / "regions", enable_region=True))
    beside = _four_d(folder, tmp_path / "beside")
    (beside / "region_extractor").mkdir()
    load_nvila_lite_processor(beside)
    assert "region_extractor is not used: enable_region is off" in caplog.text


def test_settings_of_the_folder_and_of_the_caller_arrive(folder: Path, tmp_path: Path) -> None:
    changed = tmp_path / "nvila"
    shutil.copytree(folder, changed)
    top = json.loads((folder / "config.json").read_text())
    (changed / "config.json").write_text(json.dumps({**top, "max_tiles": 6, "num_video_frames": 16}))
    processor = load_nvila_lite_processor(changed)
    assert (processor.max_tiles, processor.video_frames, processor.resizer) == (6, 16, "pillow")
    options = {"max_tiles": 2, "follow": True, "clock": "frame_index", "time_prompt": True, "face_camera": False}
    processor = load_nvila_lite(changed, **options)[1]
    assert {key: getattr(processor, key) for key in options} == options


@pytest.mark.long
def test_new_weights_are_not_reported_as_missing(folder: Path) -> None:
    code = "import sys; from models.sr3d.bases import load_nvila_lite; load_nvila_lite(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert "MISSING" not in done.stdout + done.stderr


def test_an_unknown_option_is_refused(folder: Path) -> None:
    with pytest.raises(
        ValueError, match="unknown option max_tile=3 of an NVILA-Lite checkpoint: do you mean max_tiles"
    ):
        load_nvila_lite(folder, max_tile=3)
    with pytest.raises(ValueError, match="max_tiles belongs to the processor"):
        load_nvila_lite_model(folder, max_tiles=3)


def test_answers_end_where_the_chat_template_ends_them(folder: Path, tmp_path: Path) -> None:
    changed = tmp_path / "nvila"
    shutil.copytree(folder, changed)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "llm")
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}:{{ m['content'] }}<|endoftext|>{% endfor %}"
    tokenizer.save_pretrained(changed / "llm")
    model = load_nvila_lite_model(changed, dtype=torch.float32)
    ends = tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    assert model.config.eos_token_id == ends
    assert model.generation_config.eos_token_id == ends


def test_sizes_come_from_the_folder_and_the_new_parts_are_new(folder: Path) -> None:
    model, processor = load_nvila_lite(folder, dtype=torch.float32)
    assert (model.config.tile_size, model.config.grid, model.config.token_grid) == (32, GRID, 2)
    assert model.config.select_layer == -2
    assert not model.config.region_extractor_trained
    assert processor.max_tiles == 12
    assert model.position_encoding is not None
    assert not model.position_encoding.last.weight.any()


def test_a_scale_token_is_zero_until_it_is_trained(folder: Path) -> None:
    model, processor = load_nvila_lite(folder, dtype=torch.float32, scale="token")
    video, question = pixels(0, 2), ["How far?"]
    assert (processor.prepare(video, question).prefix == model.config.scale_token_id).sum() == 1
    assert model.scale_encoding is not None
    scales, known = torch.tensor([0.3, 4.0, 1.0]), torch.tensor([True, True, False])
    assert not model.scale_encoding(scales, known).any()
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_a_loaded_checkpoint_answers_about_regions_and_is_saved_as_one_folder(folder: Path, tmp_path: Path) -> None:
    model, processor = load_nvila_lite(folder, dtype=torch.float32, scale="token", camera_token=True)
    batch = processor(
        text=["Which is nearer, <region0> or <region1>?"],
        videos=[pixels(0, 2)],
        points=[world_points(0, 2)],
        regions=[two_regions()],
    )
    tokens = model.generate(**batch, max_new_tokens=3, do_sample=False)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    rebuilt = type(processor).from_pretrained(tmp_path)
    assert rebuilt.template == processor.template
    assert torch.equal(again.generate(**batch, max_new_tokens=3, do_sample=False), tokens)


@pytest.mark.skipif(not Path("/proc/self/maps").is_file(), reason="only Linux lists which files are mapped, and where")
def test_weights_of_the_same_type_are_not_copied(folder: Path) -> None:
    model, _ = load_nvila_lite(folder, dtype=torch.float32)
    spans = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, *_, name = line.split()
        if name.startswith(str(folder)):
            spans.append([int(end, 16) for end in span.split("-")])
    weights = [value for name, value in model.named_parameters() if not name.startswith(OURS)]
    assert len(weights) > 50
    assert all(any(start <= weight.data_ptr() < end for start, end in spans) for weight in weights)
    half = load_nvila_lite(folder, dtype=torch.bfloat16)[0].language_model.get_input_embeddings().weight
    assert not any(start <= half.data_ptr() < end for start, end in spans)


def test_the_2d_model_of_a_checkpoint_has_the_same_logits(folder: Path) -> None:
    deep, processor = load_nvila_lite(folder, dtype=torch.float32)
    flat, _ = load_nvila_lite(folder, dtype=torch.float32, position_encoding=False)
    batch = processor(text=["Where?"], images=[pixels(0, 1, 64, 96)[0]], points=[world_points(0, 1, 64, 96)])
    with torch.no_grad():
        assert torch.equal(deep(**batch).logits, flat(**batch).logits)


@pytest.mark.parametrize("part", ["llm", "mm_projector", "vision_tower"])
def test_a_missing_part_is_named(folder: Path, tmp_path: Path, part: str) -> None:
    broken = tmp_path / "nvila"
    shutil.copytree(folder, broken)
    shutil.rmtree(broken / part)
    with pytest.raises(FileNotFoundError, match=f"{part}/config.json: an NVILA-Lite folder holds"):
        load_nvila_lite(broken)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("drop", "lacks 1 weights, the first is projector.7.bias"),
        ("add", "has unknown 1 weights, the first is projector.9.bias"),
        ("shrink", "in another size than its configs say, 1 weights, the first is projector.7.bias"),
    ],
)
def test_weights_that_do_not_fit_are_named(folder: Path, tmp_path: Path, change: str, message: str) -> None:
    broken = tmp_path / "nvila"
    shutil.copytree(folder, broken)
    weights = load_file(broken / "mm_projector" / "model.safetensors")
    if change == "drop":
        del weights["layers.7.bias"]
    elif change == "add":
        weights["layers.9.bias"] = torch.zeros(3)
    else:
        weights["layers.7.bias"] = torch.zeros(3)
    save_file(weights, broken / "mm_projector" / "model.safetensors")
    with pytest.raises(ValueError, match=message):
        load_nvila_lite(broken)


def test_the_scale_pyramid_of_nvila_8b_is_refused(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "nvila"
    shutil.copytree(folder, broken)
    (broken / "config.json").write_text(json.dumps({"image_aspect_ratio": "dynamic_s2"}))
    with pytest.raises(ValueError, match="dynamic_s2"):
        load_nvila_lite(broken)


@pytest.mark.parametrize(
    ("part", "fields", "message"),
    [
        ("llm", {"hidden_act": "wavy"}, r"llm/config.json: qwen2 has hidden_act='wavy', which transformers does not"),
        ("llm", {"num_hidden_layers": 1}, r"llm/config.json: .*`num_hidden_layers` \(1\) must be equal"),
        ("llm", {"rope_scaling": {"rope_type": "spiral"}}, "rope_type='spiral': known here is default, linear"),
        ("vision_tower", {"hidden_act": "wavy"}, "siglip_vision_model has hidden_act='wavy'"),
    ],
)
def test_a_value_of_a_part_that_is_not_known_is_named(
    folder: Path, tmp_path: Path, part: str, fields: dict[str, Any], message: str
) -> None:
    broken = tmp_path / "nvila"
    shutil.copytree(folder, broken)
    config = json.loads((broken / part / "config.json").read_text())
    (broken / part / "config.json").write_text(json.dumps({**config, **fields}))
    with pytest.raises(ValueError, match=message):
        load_nvila_lite(broken)


def test_damaged_weights_are_named(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "nvila"
    shutil.copytree(folder, broken)
    (broken / "vision_tower" / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"vision_tower.model.safetensors is cut or damaged"):
        load_nvila_lite(broken)
