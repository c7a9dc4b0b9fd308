"""SR-3D as a model of transformers: what a user of the library types first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, pipeline

from models.regions import Region
from models.sr3d import SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.bases import load_nvila_lite
from tests.support.folders.nvila_folder import write_nvila
from tests.support.sr3d import pixels, two_regions

QUESTION = "How far is the cup?"
Loaded = tuple[SR3DForConditionalGeneration, SR3DProcessor]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    torch.manual_seed(0)
    model, processor = load_nvila_lite(write_nvila(tmp_path_factory.mktemp("nvila")), dtype=torch.float32)
    return model.eval(), processor


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.fromarray(pixels(0, 1, 48, 80)[0].permute(1, 2, 0).numpy())


def test_one_text_and_one_picture_of_any_kind(loaded: Loaded, photo: Image.Image, tmp_path: Path) -> None:
    processor = loaded[1]
    photo.save(tmp_path / "photo.png")
    array = np.array(photo)
    expected = processor(text=[QUESTION], images=[photo])
    for image in (photo, array, torch.from_numpy(array).permute(2, 0, 1), str(tmp_path / "photo.png")):
        batch = processor(text=QUESTION, images=image, return_tensors="pt")
        assert batch.keys() == expected.keys()
        assert all(torch.equal(batch[key], expected[key]) for key in batch)


def test_several_pictures_a_video_or_nothing_to_see(loaded: Loaded, photo: Image.Image) -> None:
    model, processor = loaded
    for media in ({"images": [photo, photo]}, {"videos": pixels(0, 3)}, {"videos": [photo, photo]}, {}):
        batch = processor(text=QUESTION, **media)
        tiles = (batch["input_ids"] == model.config.image_token_id).sum() // model.num_vision_tokens
        assert tiles == len(next(iter(media.values()), []))
        assert model.generate(**batch, max_new_tokens=2).shape[0] == 1


def test_a_conversation_with_regions(loaded: Loaded, photo: Image.Image) -> None:
    model, processor = loaded
    first = Region.from_box((2, 3, 20, 30), 48, 80)
    content = [
        {"type": "image", "image": photo},
        {"type": "text", "text": "What is "},
        {"type": "region", "region": first},
        {"type": "text", "text": "?"},
    ]
    chat = [{"role": "user", "content": content}]
    batch = processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=True, return_dict=True)
    same = processor(text="What is <region0>?", images=photo, regions=[first])
    assert all(torch.equal(batch[key], same[key]) for key in batch)
    text = processor.apply_chat_template(chat, add_generation_prompt=True)
    assert "<image>What is <region0>?" in text
    assert torch.equal(model.generate(**batch, max_new_tokens=3), model.generate(**same, max_new_tokens=3))


@pytest.mark.parametrize("options", [{"num_beams": 3}, {"num_beams": 2, "num_return_sequences": 2}])
def test_beams_see_what_their_row_shows(loaded: Loaded, options: dict[str, int]) -> None:
    model, processor = loaded
    texts = ["Which is nearer, <region0> or <region1>?", "Is <region1> behind <region0>?"]
    videos, regions = [pixels(0, 2), pixels(1, 3)], [two_regions(), two_regions()]
    together = model.generate(
        **processor(text=texts, videos=videos, regions=regions), max_new_tokens=4, do_sample=False, **options
    )
    count = options.get("num_return_sequences", 1)
    for i in range(2):
        batch = processor(text=texts[i], videos=videos[i], regions=regions[i])
        alone = model.generate(**batch, max_new_tokens=4, do_sample=False, **options)
        new = alone[:, batch["input_ids"].shape[1] :]
        assert torch.equal(together[i * count : (i + 1) * count, -new.shape[1] :], new)


def test_several_samples_of_a_row_differ(loaded: Loaded, photo: Image.Image) -> None:
    model, processor = loaded
    torch.manual_seed(0)
    batch = processor(text=QUESTION, images=photo)
    tokens = model.generate(**batch, max_new_tokens=6, do_sample=True, num_return_sequences=4)
    assert tokens.shape[0] == 4
    assert len({tuple(row) for row in tokens.tolist()}) > 1


def test_the_pipeline_answers_a_chat_and_a_question(loaded: Loaded, photo: Image.Image, tmp_path: Path) -> None:
    model, processor = loaded
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    ask = pipeline(
        "image-text-to-text",
        model=AutoModelForImageTextToText.from_pretrained(tmp_path),
        processor=AutoProcessor.from_pretrained(tmp_path),
    )
    (answer,) = ask(images=photo, text=QUESTION, max_new_tokens=3, return_full_text=False)
    content = [{"type": "image", "image": photo}, {"type": "text", "text": QUESTION}]
    (told,) = ask(text=[{"role": "user", "content": content}], max_new_tokens=3, return_full_text=False)
    tokens = model.generate(**processor(text=QUESTION, images=photo), max_new_tokens=3)
    expected = processor.decode(tokens[0, -3:], skip_special_tokens=True)
    assert answer["generated_text"] == told["generated_text"] == expected


def test_token_embeddings_are_resized(loaded: Loaded, photo: Image.Image, tmp_path: Path) -> None:
    model = load_nvila_lite(write_nvila(tmp_path / "nvila"), dtype=torch.float32)[0]
    before = model.config.text_config.vocab_size
    model.resize_token_embeddings(before + 3)
    assert model.config.text_config.vocab_size == before + 3
    assert model.get_output_embeddings().weight.shape[0] == before + 3
    logits = model(**loaded[1](text=QUESTION, images=photo)).logits
    assert logits.shape[-1] == before + 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"images": [torch.zeros(3, 8, 8, dtype=torch.uint8)]}, "give `text`"),
        ({"text": QUESTION, "padding": "max_length"}, "padding='max_length'"),
        ({"text": [QUESTION], "images": [1, 2]}, "1 texts, but 2 entries in `images`"),
        ({"text": QUESTION, "images": torch.zeros(3, 8, 8)}, "an image is uint8"),
        ({"text": QUESTION, "seconds": torch.zeros(2)}, "a sample with 0 images and videos takes one question"),
    ],
)
def test_what_does_not_fit_is_one_clear_line(loaded: Loaded, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loaded[1](**arguments)
