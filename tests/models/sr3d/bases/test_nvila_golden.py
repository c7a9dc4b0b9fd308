"""NVILA folders answer as VILA's own code does: the tiles, ids, logits and greedy tokens that it recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from models.sr3d import SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.bases import load_nvila_lite

GOLDEN = Path(__file__).parents[5] / "shared" / "golden"
VARIANTS = ("nvila_tiny", "nvila_tiny_c", "nvila_tiny_d")
ONE_CLIP = (
    *("square_image", "wide_image", "video", "tiles_in_rows"),
    *("newline_question", "blank_at_the_end", "many_tiles"),
)
NAMES = (*ONE_CLIP, "two_images", "text_only", "multi_turn", "interleaved", "image_last")

Variant = tuple[SR3DForConditionalGeneration, SR3DProcessor, dict[str, Any], dict[str, torch.Tensor]]


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> Variant:
    folder = GOLDEN / request.param
    if not folder.is_dir():
        pytest.skip(f"no {folder.name} beside the repository: values recorded from VILA")
    model, processor = load_nvila_lite(folder / "checkpoint", "eager", torch.float32)
    golden = json.loads((folder / "golden.json").read_text())
    return model.eval(), processor, golden, load_file(folder / "golden.safetensors")


@pytest.mark.parametrize("name", ONE_CLIP)
def test_a_question_about_one_picture_or_video(variant: Variant, name: str) -> None:
    _, processor, golden, tensors = variant
    prompt = next(one for one in golden["prompts"] if one["name"] == name)
    media = tensors[f"{name}.media.0"]
    clip = media.reshape(-1, *media.shape[-3:]).permute(0, 3, 1, 2)
    sample = processor.prepare(clip, [prompt["parts"][1]])
    _check(variant, name, sample)


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_of_texts_pictures_and_videos(variant: Variant, name: str) -> None:
    _, processor, golden, tensors = variant
    prompt = next(one for one in golden["prompts"] if one["name"] == name)
    turns = prompt["turns"] or [["human", prompt["parts"]]]

    def part(value: str | int) -> dict[str, Any]:
        if isinstance(value, str):
            return {"type": "text", "text": value}
        media = tensors[f"{name}.media.{value}"]
        kind = prompt["media"][value]["kind"]
        return {"type": kind, kind: media.movedim(-1, -3)}

    roles = {"human": "user", "gpt": "assistant"}
    messages = [{"role": roles[role], "content": [part(value) for value in parts]} for role, parts in turns]
    _check(variant, name, processor.prepare_conversation(messages))


def _check(variant: Variant, name: str, sample: Any) -> None:
    model, processor, golden, tensors = variant
    recorded = {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
    batch = processor.collate([sample], packed=False)
    if "tiles" in recorded:
        assert torch.equal(sample.pixels, recorded["tiles"])
    assert _as_recorded(batch["input_ids"][0], model, golden) == recorded["input_ids"].tolist()
    with torch.no_grad():
        logits = model(**batch).logits[0, -1]
        tokens = model.generate(**batch, max_new_tokens=16, do_sample=False)[0, batch["input_ids"].shape[1] :]
    assert logits.shape == (golden["logits_size"],)
    torch.testing.assert_close(logits, recorded["logits"], atol=1e-3, rtol=0)
    assert tokens.tolist() == recorded["greedy_tokens"].tolist()


def _as_recorded(ids: torch.Tensor, model: SR3DForConditionalGeneration, golden: dict[str, Any]) -> list[int]:
    """Write a tile as VILA's prompt has it: one media token for its visual tokens and the newline of the encoder."""
    image, each = model.config.image_token_id, model.num_vision_tokens
    recorded, at = [], 0
    while at < len(ids):
        recorded.append(int(ids[at]))
        if ids[at] == image:
            assert bool((ids[at : at + each] == image).all())
            assert int(ids[at + each]) == golden["newline_token_ids"][0]
            at += each
        at += 1
    return recorded
