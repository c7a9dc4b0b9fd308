"""The model: equal to 2D until trained, equal with and without cache, and the same after saving."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor

from models.regions import Region
from models.sr3d import Sample, SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor
from tests.support.sr3d import QUESTIONS, TEXT, Build, pixels, two_regions, world_points

ONLY_3D = ("position_encoding.", "camera_projector.")


def _logits(model: SR3DForConditionalGeneration, batch: Any) -> Tensor:
    with torch.no_grad():
        logits: Tensor = model(**batch).logits
    return logits


def test_from_one_seed_2d_and_3d_models_have_equal_weights_and_bit_equal_logits(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    flat, deep = build_model(position_encoding=False), build_model(position_encoding=True)
    extra = {name for name in deep.state_dict() if name.startswith(ONLY_3D)}
    assert deep.state_dict().keys() - flat.state_dict().keys() == extra
    assert all(torch.equal(value, deep.state_dict()[name]) for name, value in flat.state_dict().items())
    for packed in (True, False):
        batch = processor.collate(samples, packed=packed)
        assert torch.equal(_logits(flat, batch), _logits(deep, batch))


def test_a_3d_model_is_made_from_a_2d_checkpoint(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample], tmp_path: Path
) -> None:
    flat = build_model(position_encoding=False)
    flat.save_pretrained(tmp_path)
    deep = SR3DForConditionalGeneration.from_pretrained(tmp_path, position_encoding=True)
    assert deep.position_encoding is not None
    assert deep.position_encoding.first.weight.any()
    batch = processor.collate(samples)
    assert torch.equal(_logits(flat, batch), _logits(deep.eval(), batch))


def test_positions_change_the_answer_of_a_trained_model(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples)
    seen = _logits(model, batch)
    batch["points"] = -batch["points"]
    assert not torch.allclose(seen, _logits(model, batch), atol=1e-3)


@pytest.mark.parametrize("timestamps", ["before_projector", "after_projector"])
def test_timestamps_change_the_answer(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample], timestamps: str
) -> None:
    batch = processor.collate(samples)
    model = build_model(timestamp_encoding=timestamps)
    seen = _logits(model, batch)
    batch["seconds"] = 10 * batch["seconds"]
    assert not torch.allclose(seen, _logits(model, batch), atol=1e-4)


def test_the_scale_of_the_scene_changes_the_answer_in_the_2d_model_too(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples)
    model = build_model(position_encoding=False)
    seen = _logits(model, batch)
    batch["scene_scale"] = 1.5 * batch["scene_scale"]
    assert not torch.allclose(seen, _logits(model, batch), atol=1e-4)


def test_generation_with_a_cache_equals_the_full_forward(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples, packed=False, pad_side="left")
    del batch["labels"]
    out = model.generate(
        **batch,
        max_new_tokens=5,
        min_new_tokens=5,
        suppress_tokens=[3, 4, 5, 6],  # placeholders, which an untrained model may answer
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    length = batch["input_ids"].shape[1]
    new = out.sequences.shape[1] - length
    mask = torch.nn.functional.pad(batch["attention_mask"], (0, new), value=1)
    full = {**batch, "input_ids": out.sequences, "attention_mask": mask}
    expected = _logits(model, full)[:, length - 1 : -1]
    torch.testing.assert_close(torch.stack(out.logits, 1), expected, atol=1e-5, rtol=1e-5)  # order of summation


def test_generation_without_a_cache_gives_the_same_answers(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples, packed=False, pad_side="left")
    del batch["labels"]
    cached, plain = (model.generate(**batch, max_new_tokens=5, do_sample=False, use_cache=use) for use in (True, False))
    assert torch.equal(cached, plain)


def test_an_answer_does_not_depend_on_its_neighbours_in_the_batch(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    together = processor.collate(samples, packed=False, pad_side="left")
    alone = processor.collate([samples[1].select([2])], packed=False, pad_side="left")
    for batch in (together, alone):
        del batch["labels"]
    last = _logits(model, together)[5, -1]  # sample 1, question 2
    torch.testing.assert_close(last, _logits(model, alone)[0, -1], atol=1e-5, rtol=1e-5)  # order of summation


def test_saving_and_loading_gives_the_same_answers_through_the_auto_classes(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, tmp_path: Path
) -> None:
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), SR3DConfig)
    again = AutoProcessor.from_pretrained(tmp_path)
    assert isinstance(again, SR3DProcessor)
    answers = []
    for made, prepare in (
        (model, processor),
        (AutoModel.from_pretrained(tmp_path), again),
        (AutoModelForCausalLM.from_pretrained(tmp_path), again),
        (AutoModelForImageTextToText.from_pretrained(tmp_path), again),
    ):
        batch = prepare(
            text=[QUESTIONS[0]], videos=[pixels(7, 2)], points=[world_points(7, 2)], regions=[two_regions()]
        )
        tokens = made.generate(**batch, max_new_tokens=4, do_sample=False)
        answers.append(prepare.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True))
    assert answers == answers[:1] * 4


def test_tied_embeddings_stay_tied_after_loading(build_model: Build, tmp_path: Path) -> None:
    model = build_model(text_config={**TEXT, "tie_word_embeddings": True})
    model.save_pretrained(tmp_path)
    again = SR3DForConditionalGeneration.from_pretrained(tmp_path)
    assert again.get_output_embeddings().weight is again.get_input_embeddings().weight
    assert torch.equal(again.get_input_embeddings().weight, model.get_input_embeddings().weight)


def test_another_language_model_is_a_matter_of_config(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    gpt2 = {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 2, "vocab_size": 64, "n_positions": 256}
    model = build_model(text_config=gpt2)
    packed, alone = (_logits(model, processor.collate(samples, packed=packed)) for packed in (True, False))
    torch.testing.assert_close(packed, alone, atol=1e-5, rtol=1e-5)  # order of summation


def test_activation_checkpointing_gives_the_same_gradients(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples)
    gradients = []
    for checkpointing in (False, True):
        model = build_model().train()
        if checkpointing:
            model.activation_checkpointing_enable()
        model(**batch).loss.backward()
        gradients.append({name: p.grad for name, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], msg=name)


def test_every_parameter_of_either_arm_is_trained(
    build_model: Build, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    """Plain DDP needs this."""
    for position_encoding in (True, False):
        model = build_model(position_encoding=position_encoding)
        model(**processor.collate(samples)).loss.backward()
        assert not [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]


def test_a_region_masked_in_one_frame_of_many_pools_like_that_frame_alone(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor
) -> None:
    video, points = pixels(3, 3), world_points(3, 3)
    mask = two_regions()[0].masks[0]
    many = processor.prepare(video, [], points=points, regions=[Region({1: mask})])
    one = processor.collate([many])
    with torch.no_grad():
        features = model.encode_tiles(one["pixel_values"], one["points"], one["points_valid"])
        all_frames = model.region_extractor(features, many.regions)
        frame = processor.prepare(video[1:2], [], regions=[Region({0: mask})])
        alone = model.region_extractor(features[1:2], frame.regions)
    assert torch.equal(all_frames, alone)


def test_inputs_of_another_processor_are_refused_by_what_does_not_match(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor
) -> None:
    other = SR3DProcessor(processor.tokenizer, tile_size=32, grid=8, token_grid=1)
    batch = other(text=["near"], videos=[pixels(0, 2)])
    with pytest.raises(ValueError, match="2 visual placeholders, but there are 8 visual tokens"):
        model(**batch)


def test_a_packed_batch_cannot_be_generated_from(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, samples: list[Sample]
) -> None:
    batch = processor.collate(samples)
    del batch["labels"]
    with pytest.raises(ValueError, match="packed=False"):
        model.generate(**batch, max_new_tokens=1)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"region_motion_encoding": True}, "region_motion_encoding needs region_pool='trajectory', not 'pixel'"),
        ({"region_mask_encoding": True, "region_pool": "regiongpt"}, "leave region_mask_encoding=false"),
    ],
)
def test_an_encoding_that_a_region_extractor_cannot_take_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SR3DConfig(**options)


def test_an_unknown_choice_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"projector='conv' is unknown: choose one of .*'mlp'"):
        SR3DConfig(projector="conv")
