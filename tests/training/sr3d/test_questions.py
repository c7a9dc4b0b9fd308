"""Supervised samples: questions of a clip, and regions as people mark them."""

import pytest
import torch

from models.sr3d import SR3DConfig, SR3DProcessor, train_tokenizer
from scenes.clip import Clip
from scenes.questions import grammar_texts, region_of
from scenes.worlds import WorldConfig, make_world, render
from training.sr3d.questions import RegionQuestions, augment_region, bounding_box

CATEGORIES = ("nearer_camera", "distance", "colour")


@pytest.fixture(scope="module")
def processor() -> SR3DProcessor:
    return SR3DProcessor.from_config(SR3DConfig(), train_tokenizer(grammar_texts()))


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return render([make_world(seed, WorldConfig(frames=2)) for seed in range(16)], "cpu", ())


def test_questions_of_a_clip_depend_on_seed_and_number_alone(processor: SR3DProcessor, clips: list[Clip]) -> None:
    first, again = (RegionQuestions(clips, processor, categories=CATEGORIES, per_clip=5, seed=0)[1] for _ in range(2))
    assert [q.tolist() for q in first.questions] == [q.tolist() for q in again.questions]
    assert torch.equal(first.regions.masks, again.regions.masks)


def test_boxes_on_surfaces_take_the_place_of_objects_half_of_them_on_noise(
    processor: SR3DProcessor, clips: list[Clip]
) -> None:
    categories = ("nearer_camera", "top", "colour")
    questions = RegionQuestions(clips, processor, categories=categories, per_clip=6, seed=0, surface_box_prob=1.0)
    samples = [questions[i] for i in range(16)]
    assert {len(sample.pixels) for sample in samples} == {1, 2}  # frames
    assert all(len(sample.questions) == 6 for sample in samples)
    texts = " ".join(processor.tokenizer.decode(ids) for sample in samples for ids in sample.questions)
    assert "nearer to the camera" in texts
    assert "top" in texts
    assert "colour" not in texts
    roughness = torch.tensor([s.pixels.float().diff(dim=-1).abs().mean() for s in samples])
    assert 3 <= int((roughness > 60).sum()) <= 13  # a step between two uniform bytes is 85 on average


def test_a_bounding_box_is_the_smallest_full_rectangle() -> None:
    mask = torch.zeros(5, 6, dtype=torch.bool)
    mask[1, 2] = mask[3, 4] = True
    box = bounding_box(mask)
    assert box[1:4, 2:5].all()
    assert int(box.sum()) == 9
    assert not bounding_box(torch.zeros_like(mask)).any()


def test_augmentation_keeps_a_region_on_some_of_its_frames() -> None:
    (clip,) = render([make_world(1, WorldConfig(frames=4))], "cpu", ())
    region = max((region_of(clip, k) for k in range(len(clip.truth.objects))), key=lambda r: len(r.masks))  # type: ignore[union-attr]
    generator = torch.Generator().manual_seed(0)
    kept = [augment_region(region, generator, 0.0, 1.0) for _ in range(40)]
    assert {len(r.masks) for r in kept} == set(range(1, len(region.masks) + 1))
    assert all(r.masks.keys() <= region.masks.keys() for r in kept)
