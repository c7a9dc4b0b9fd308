"""Static questions: every answer worked out again, one question at a time, without the code under test."""

from __future__ import annotations

import math

import pytest
import torch

from scenes.questions import LETTERS, ask_about
from tests.support.clips.toy_clips import build_clip, toy_clip

CLIPS = [toy_clip(seed) for seed in range(30)]


def asked(category):
    """Pair every question of a category with its clip."""
    pairs = [(c, q) for k, c in enumerate(CLIPS) for q in ask_about(c, torch.Generator().manual_seed(k), categories=[category], per_category=5)]  # fmt: skip  # noqa: E501
    assert len(pairs) > 20
    return pairs


def answer(question):
    """The option that the answer names."""
    return question.options[LETTERS.index(question.answer)]


def named(question):
    """Winner and loser of a comparison, as objects."""
    winner = question.objects[int(answer(question)[len("<region") : -1])]
    (loser,) = set(question.objects[-2:]) - {winner}
    return winner, loser


def centre(clip, k, frame=0):
    return clip.truth.world_T_obj[frame, k, :3, 3]


def pixels(clip, k):
    return clip.truth.instances[0] == k + 1


def depth(clip, k):
    return clip.depth[0][pixels(clip, k)].mean().item()


def size(clip, k):
    return clip.truth.objects[k].size


def test_nearer_to_the_camera_has_the_smaller_depth_and_distance():
    eye = CLIPS[0].world_T_cam[0, :3, 3]
    for clip, question in asked("nearer_camera"):
        near, far = named(question)
        assert 1.09 * depth(clip, near) < depth(clip, far)
        points = clip.points().xyz[0]
        distances = [(points[pixels(clip, k)].mean(0) - eye).norm() for k in (near, far)]
        assert 1.09 * distances[0] < distances[1]


def test_nearer_to_a_region_has_the_smaller_distance_between_centres():
    for clip, question in asked("nearer_region"):
        near, far = named(question)
        third = centre(clip, question.objects[0])
        assert 1.09 * (centre(clip, near) - third).norm() < (centre(clip, far) - third).norm()


def test_higher_means_the_higher_top():
    for clip, question in asked("higher"):
        high, low = named(question)
        assert size(clip, high)[2] >= size(clip, low)[2] + 0.0499  # all boxes stand on the floor


@pytest.mark.parametrize(("category", "axis", "words"), [("left_right", 1, "left"), ("above_below", 0, "above")])
def test_directions_in_the_picture_are_those_of_mean_pixels(category, axis, words):
    for clip, question in asked(category):
        one, other = named(question)
        gap = torch.nonzero(pixels(clip, other)).double().mean(0) - torch.nonzero(pixels(clip, one)).double().mean(0)
        assert gap[axis] * (1 if words in question.text else -1) > 0.079 * 64


@pytest.mark.parametrize(
    ("category", "words", "measure", "ratio"),
    [
        ("wider", "wider", lambda s: max(s[:2]), 1.2),
        ("taller", "taller", lambda s: s[2], 1.2),
        ("bigger", "bigger", math.prod, 1.3),
    ],
)
def test_comparisons_of_size_ask_both_ways_and_keep_their_margin(category, words, measure, ratio):
    asked_ways = set()
    for clip, question in asked(category):
        large, small = named(question) if words in question.text else reversed(named(question))
        assert measure(size(clip, large)) > (ratio - 0.001) * measure(size(clip, small))
        asked_ways.add(words in question.text)
    assert asked_ways == {True, False}


def test_facing_is_told_in_the_frame_of_who_stands_there():
    for clip, question in asked("facing"):
        stand, face, find = (centre(clip, k)[:2] for k in question.objects)
        forward = (face - stand) / (face - stand).norm()
        left = torch.stack([-forward[1], forward[0]])
        ahead, aside = torch.dot(find - stand, forward), torch.dot(find - stand, left)
        if aside.abs() > ahead.abs():
            assert answer(question) == ("left" if aside > 0 else "right")
        else:
            assert answer(question) == ("front" if ahead > 0 else "behind")


def test_facing_on_a_known_ground_plan():
    # seen from above, y up: 0 stands in the south and faces 1 in the north; 2 is in the west
    places = torch.tensor([[[0.0, 2.0], [0.0, 5.0], [-1.5, 2.0]]])
    clip = build_clip(places, [(0.6, 0.6, 0.6)] * 3)
    questions = [
        question
        for seed in range(9)
        for question in ask_about(clip, torch.Generator().manual_seed(seed), categories=["facing"], per_category=9)
    ]
    assert {answer(q) for q in questions if q.objects == (0, 1, 2)} == {"left"}
    assert {answer(q) for q in questions if q.objects == (0, 2, 1)} == {"right"}


def test_the_column_is_the_third_of_the_mean_pixel():
    for clip, question in asked("column"):
        mean = (torch.nonzero(pixels(clip, question.objects[0]))[:, 1].double().mean() + 0.5) / 64
        assert answer(question) == ("left" if mean < 1 / 3 else "right" if mean > 2 / 3 else "middle")


def test_names_are_those_of_the_object_and_options_those_of_the_scene():
    for category, attribute in (("colour", "colour"), ("shape", "family")):
        for clip, question in asked(category):
            names = [getattr(obj, attribute) for obj in clip.truth.objects]
            assert answer(question) == names[question.objects[0]]
            assert set(question.options) <= set(names)
            assert len(set(question.options)) == len(question.options) >= 2


def test_counts_are_of_visible_objects():
    for clip, question in asked("count_colour"):
        colour = next(c for c in ("red", "green", "blue", "white") if c in question.text)
        of_colour = [k for k, obj in enumerate(clip.truth.objects) if obj.colour == colour]
        assert int(answer(question)) == sum(bool((clip.truth.instances == k + 1).any()) for k in of_colour)


@pytest.mark.parametrize(
    ("category", "measure"),
    [
        ("distance", lambda clip, k, other: (centre(clip, k) - centre(clip, other)).norm().item()),
        ("depth", depth),
        ("top", lambda clip, k: size(clip, k)[2]),
        ("height", lambda clip, k: size(clip, k)[2]),
        ("width", lambda clip, k: max(size(clip, k)[:2])),
    ],
)
def test_measures_are_exact_and_written_in_metres(category, measure):
    for clip, question in asked(category):
        assert question.value == pytest.approx(measure(clip, *question.objects), rel=1e-4)  # float32 poses
        number, unit = question.answer.split()
        assert unit == question.unit == "m"
        assert float(number) == pytest.approx(question.value, rel=0.051)


def test_what_the_camera_does_not_see_is_never_asked_about():
    clip = build_clip(
        torch.tensor([[[0.0, 3.0], [1.0, 3.5], [0.0, -5.0]]]), [(0.5, 0.5, 0.5), (0.4, 0.4, 0.9), (0.6, 0.7, 0.3)]
    )
    questions = ask_about(clip, torch.Generator().manual_seed(0), per_category=20)
    assert questions
    assert all(2 not in question.objects for question in questions)


def test_pairs_inside_the_margin_are_not_asked_about():
    places = torch.tensor([[[-0.5, 3.0], [0.5, 3.05]]])  # 5 cm apart in depth, equal in size
    clip = build_clip(places, [(0.5, 0.5, 0.5)] * 2)
    wanted = ["nearer_camera", "higher", "wider", "taller", "bigger", "above_below"]
    assert ask_about(clip, torch.Generator().manual_seed(0), categories=wanted, per_category=5) == []
