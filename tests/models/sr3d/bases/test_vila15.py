"""SpatialRGPT and VILA 1.5: tiny folders in the published layout give the logits of their parts, composed by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast, SiglipVisionConfig, SiglipVisionModel

from models.geometry import PointMap
from models.regions import Region
from models.sr3d.bases.nvila import load_nvila_lite, load_nvila_lite_processor
from models.sr3d.inputs.depth_picture import depth_picture
from tests.support.folders.nvila_folder import CHANNELS, GRID
from tests.support.folders.vila15_folder import LLAMA3, write_vila15
from tests.support.sr3d import pixels

SYSTEM = (
    "You are a helpful language and vision assistant. You are able to understand the visual content that the user "
    "provides, and assist the user with a variety of tasks using natural language."
)
HEAD = (
    f"<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n{SYSTEM}<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n"
)
TAIL = "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
SIDE = 32  # pixels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vila15(tmp_path_factory.mktemp("spatialrgpt"), regions=True)


def _tower(folder: Path, images: Tensor) -> Tensor:
    tower = SiglipVisionModel(SiglipVisionConfig.from_pretrained(folder / "vision_tower")).eval()
    stored = load_file(folder / "vision_tower" / "model.safetensors")
    tower.load_state_dict({key.removeprefix("vision_model."): value for key, value in stored.items()})
    hidden: Tensor = tower(images, output_hidden_states=True).hidden_states[-2]
    return hidden.reshape(-1, GRID, GRID, CHANNELS).permute(0, 3, 1, 2)


def _refine(folder: Path, features: Tensor) -> Tensor:
    """Two deconvolutions, with a norm over channels between them."""
    weights = load_file(folder / "region_extractor" / "model.safetensors")
    (w0, b0), (w1, b1), (w3, b3) = (
        (weights[f"feature_refinement_module.{n}.weight"], weights[f"feature_refinement_module.{n}.bias"])
        for n in (0, 1, 3)
    )
    x = F.conv_transpose2d(features, w0, b0, stride=2)
    x = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + 1e-6).sqrt()
    x = F.gelu(w1[:, None, None] * x + b1[:, None, None])
    return F.gelu(F.conv_transpose2d(x, w3, b3, stride=2))


def _projected(folder: Path, features: Tensor) -> Tensor:
    """Blocks of 2 x 2 features, listed column by column, zeros beyond the end; then the MLP."""
    weights = load_file(folder / "mm_projector" / "model.safetensors")
    rows = features.shape[-1]
    half = -(-rows // 2)
    padded = torch.zeros(len(features), 2 * half, 2 * half, CHANNELS)
    padded[:, :rows, :rows] = features.permute(0, 2, 3, 1)
    corners = [(2 * r, 2 * c) for c in range(half) for r in range(half)]
    x = torch.stack([padded[:, r : r + 2, c : c + 2].flatten(1) for r, c in corners], 1)
    x = F.layer_norm(x, x.shape[-1:], weights["layers.1.weight"], weights["layers.1.bias"])
    x = F.gelu(F.linear(x, weights["layers.2.weight"], weights["layers.2.bias"]))
    return F.linear(x, weights["layers.4.weight"], weights["layers.4.bias"])


def _region_token(folder: Path, kind: str, features: Tensor, mask: Tensor) -> Tensor:
    weights = load_file(folder / "region_extractor" / "model.safetensors")
    small = F.interpolate(mask[None, None].float(), scale_factor=features.shape[-1] / SIDE, mode="bilinear")[0, 0]
    pooled = (features[0] * small).sum((1, 2)) / small.sum()
    return F.linear(pooled, weights[f"{kind}_projector.weight"], weights[f"{kind}_projector.bias"])


def _logits(folder: Path, parts: list[str | Tensor]) -> Tensor:
    llm = LlamaForCausalLM.from_pretrained(folder / "llm").eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder / "llm")

    def embedded(part: str | Tensor) -> Tensor:
        if isinstance(part, Tensor):
            return part.reshape(-1, part.shape[-1])
        ids = tokenizer(part, add_special_tokens=False, return_tensors="pt")["input_ids"]
        found: Tensor = llm.get_input_embeddings()(ids)[0]
        return found

    logits: Tensor = llm(inputs_embeds=torch.cat([embedded(part) for part in parts])[None]).logits
    return logits


def _scene() -> dict[str, Any]:
    """A picture of the size of a tile, its points, and two regions."""
    z = torch.linspace(0.5, 4, SIDE * SIDE).reshape(1, SIDE, SIDE)
    masks = torch.zeros(2, SIDE, SIDE, dtype=torch.bool)
    masks[0, 3:17, 2:21] = True
    masks[1, 18:31, 11:29] = True
    points = PointMap(torch.stack([z, z, z], -1), torch.ones(1, SIDE, SIDE, dtype=torch.bool), "cam")
    return {"video": pixels(0, 1), "points": points, "regions": [Region.from_mask(mask) for mask in masks]}


@pytest.mark.parametrize("masks_known", [False, True])  # whether its two mask tokens are in its tokenizer
@torch.no_grad()
def test_spatialrgpt_gives_the_logits_of_its_parts_composed_by_hand(tmp_path: Path, masks_known: bool) -> None:
    known = (*LLAMA3, "<mask>", "<depth>") if masks_known else LLAMA3
    folder = write_vila15(tmp_path / "spatialrgpt", regions=True, specials=known)
    model, processor = load_nvila_lite(folder, dtype=torch.float32)
    scene = _scene()
    sample = processor.prepare(**scene, questions=["Is <region1> behind <region0> , <region1> ?"])
    logits = model(**processor.collate([sample], packed=False)).logits

    image, depth = ((one / 255 - 0.5) / 0.5 for one in (scene["video"], depth_picture(scene["points"])))
    fine = _refine(folder, _tower(folder, image))
    flat = _tower(folder, depth)
    masks = [region.masks[0] for region in scene["regions"]]
    rgb = [_region_token(folder, "rgb", fine, mask)[None] for mask in masks]
    two = [_region_token(folder, "depth", flat, mask)[None] for mask in masks]
    visual = _projected(folder, F.adaptive_avg_pool2d(fine, 27))
    mentions = [[rgb[k], " ", two[k]] for k in (1, 0, 1)]
    question = ["\nIs ", *mentions[0], " behind ", *mentions[1], " , ", *mentions[2], f" ?{TAIL}"]
    expected = _logits(folder, [HEAD, visual, *question])
    expected = expected[..., : logits.shape[-1]]  # without rows of mask tokens, which are not generated here
    assert logits.shape[-1] >= len(PreTrainedTokenizerFast.from_pretrained(folder / "llm")) - masks_known
    torch.testing.assert_close(logits, expected, atol=1e-5, rtol=1e-5)  # another order of the same products


@torch.no_grad()
def test_vila15_gives_the_logits_of_its_parts_composed_by_hand(tmp_path: Path) -> None:
    folder = write_vila15(tmp_path / "vila")
    model, processor = load_nvila_lite(folder, dtype=torch.float32)
    video = pixels(1, 2)
    logits = model(**processor(text=["What moves?"], videos=[video])).logits
    first, second = _projected(folder, _tower(folder, (video / 255 - 0.5) / 0.5))
    expected = _logits(folder, [HEAD, first, "\n", second, f"\nWhat moves?{TAIL}"])
    assert logits.shape[-1] == expected.shape[-1] - 2  # rows beyond the tokenizer
    torch.testing.assert_close(logits, expected[..., :-2], atol=1e-5, rtol=1e-5)
    assert not model.config.region_extractor_trained


def test_answers_are_the_same_after_saving_as_one_folder(folder: Path, tmp_path: Path) -> None:
    model, processor = load_nvila_lite(folder, dtype=torch.float32)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again, rebuilt = type(model).from_pretrained(tmp_path), type(processor).from_pretrained(tmp_path)
    ends = processor.tokenizer.convert_tokens_to_ids(["<|end_of_text|>", "<|eot_id|>"])
    assert model.generation_config.eos_token_id == ends
    for scene in (_scene(), {**_scene(), "points": None}):  # without depth, one token a region
        one, two = (each.prepare(**scene, questions=["What is <region0>?"]) for each in (processor, rebuilt))
        batches = [each.collate([sample], packed=False) for each, sample in ((processor, one), (rebuilt, two))]
        assert ("depth_values" in batches[0]) == (scene["points"] is not None)
        tokens = model.generate(**batches[0], max_new_tokens=3, do_sample=False)
        assert torch.equal(again.generate(**batches[1], max_new_tokens=3, do_sample=False), tokens)
        beams = model.generate(**batches[0], max_new_tokens=3, do_sample=False, num_beams=3)
        assert len(beams) == 1


def test_depth_and_regions_change_the_answer(folder: Path) -> None:
    model, processor = load_nvila_lite(folder, dtype=torch.float32)
    scene = _scene()
    turned = PointMap(scene["points"].xyz.flip(1), scene["points"].valid, "cam")
    swapped = scene["regions"][::-1]

    @torch.no_grad()
    def last(**change: Any) -> Tensor:
        sample = processor.prepare(**{**scene, **change}, questions=["Is <region0> left of <region1>?"])
        logits: Tensor = model(**processor.collate([sample], packed=False)).logits[0, -1]
        return logits

    base = last()
    assert (last(points=turned) - base).abs().max() > 1e-4
    assert (last(regions=swapped) - base).abs().max() > 1e-4
    larger = PointMap(4 * scene["points"].xyz, scene["points"].valid, "cam")
    torch.testing.assert_close(last(points=larger), base)  # depth has no scale here


def test_regions_of_a_video_are_refused(folder: Path) -> None:
    processor = load_nvila_lite_processor(folder)
    region = Region.from_mask(torch.ones(SIDE, SIDE, dtype=torch.bool))
    with pytest.raises(ValueError, match="points at regions of one picture, not of 2 frames: choose one"):
        processor.prepare(pixels(0, 2), ["What is <region0>?"], regions=[region])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"enable_region": False}, "enable_depth=True without enable_region"),
        ({"enable_region": "yes"}, "enable_region='yes': known here is False, True"),
        ({"image_aspect_ratio": "pad"}, "image_aspect_ratio='pad': known here is dynamic, resize"),
        ({"image_aspect_ratio": "dynamic"}, r"image_aspect_ratio='dynamic' with a Llama \(VILA 1.5\)"),
        ({"s2": True}, "s2=True"),  # VILA1.5-3b-s2
    ],
)
def test_a_setting_that_is_not_known_is_refused_by_name(
    folder: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    top = json.loads((folder / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**top, **change}))
    with pytest.raises(ValueError, match=message):
        load_nvila_lite(broken)


def test_another_region_extractor_or_a_lack_of_weights_is_named(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    file = broken / "region_extractor" / "model.safetensors"
    weights = load_file(file)
    del weights["depth_projector.bias"]
    save_file(weights, file)
    with pytest.raises(ValueError, match=r"lacks 1 weights, the first is region_extractor\.depth_projector\.bias"):
        load_nvila_lite(broken)
    (broken / "region_extractor" / "config.json").write_text('{"region_extractor_type": "duplicate"}')
    with pytest.raises(ValueError, match="region_extractor_type='duplicate': known here is regiongpt"):
        load_nvila_lite(broken)
    shutil.rmtree(broken / "region_extractor")
    with pytest.raises(FileNotFoundError, match=r"region_extractor/config\.json"):
        load_nvila_lite(broken)


def test_vila15_on_another_llama_or_tower_is_refused_by_name(tmp_path: Path) -> None:
    vicuna = write_vila15(tmp_path / "vicuna", specials=("<s>", "</s>"))
    with pytest.raises(ValueError, match="only the prompt for Llama 3 is known here"):
        load_nvila_lite(vicuna)
    intern = write_vila15(tmp_path / "intern")  # VILA1.5-40b
    (intern / "vision_tower" / "config.json").write_text('{"model_type": "intern_vit_6b"}')
    with pytest.raises(ValueError, match="model_type='intern_vit_6b'"):
        load_nvila_lite(intern)
