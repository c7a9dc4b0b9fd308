"""Questions about boxes on surfaces: answers follow from the depth and the poses of the clip alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.geometry import PointMap
from scenes.clip import Clip
from scenes.questions import CATEGORIES, LETTERS, ask_about_patches
from scenes.questions.patches import PATCH_CATEGORIES
from scenes.worlds import WorldConfig, make_world, render


@pytest.fixture(scope="module")
def clip() -> Clip:
    return render([make_world(3, WorldConfig(frames=3))], "cpu", ())[0]


def test_answers_follow_from_depth_and_poses(clip: Clip) -> None:
    points = clip.points()
    assert isinstance(points, PointMap)
    assert clip.world_T_cam is not None
    questions, regions = ask_about_patches(
        clip, torch.Generator().manual_seed(0), categories=tuple(PATCH_CATEGORIES), total=60
    )
    medians, tops = [], []
    for region in regions:
        ((frame, mask),) = region.masks.items()
        surface = points.xyz[frame][mask & points.valid[frame]].double().numpy()
        medians.append(np.median(surface, axis=0))
        tops.append(float(np.quantile(surface[:, 2], 0.95)))
    camera = clip.world_T_cam[0].double().numpy()

    def depth(k: int) -> float:
        return float((medians[k] - camera[:3, 3]) @ camera[:3, 2])

    def apart(a: int, b: int) -> float:
        return float(np.linalg.norm(medians[a] - medians[b]))

    assert {q.category for q in questions} == set(PATCH_CATEGORIES)
    for question in questions:
        o = question.objects
        match question.category:
            case "nearer_camera":
                values = [depth(k) for k in o]
            case "nearer_region":
                values = [apart(o[0], k) for k in o[1:]]
            case "higher":
                values = [-tops[k] for k in o]
            case "distance":
                assert question.value == pytest.approx(apart(*o), abs=1e-5)
                continue
            case "depth":
                assert question.value == pytest.approx(depth(o[0]), abs=1e-5)
                continue
            case _:
                assert question.value == pytest.approx(tops[o[0]], abs=1e-5)
                continue
        assert question.answer == LETTERS[int(np.argmin(values))]
        assert abs(values[0] - values[1]) >= 0.1


def test_questions_differ_are_worded_as_for_objects_and_depend_on_the_generator_alone(clip: Clip) -> None:
    one, same, other = (
        ask_about_patches(clip, torch.Generator().manual_seed(s), categories=("higher", "depth", "colour"), total=12)[0]
        for s in (0, 0, 1)
    )
    assert one == same != other
    assert len(one) == 12
    assert {q.category for q in one} == {"higher", "depth"}  # colour needs an object
    assert len({(q.category, frozenset(q.objects)) for q in one}) == 12
    assert all(q.text.split(" (A) ")[0] in CATEGORIES[q.category].stems for q in one)


def test_fewer_questions_come_back_where_there_are_no_more(clip: Clip) -> None:
    questions, regions = ask_about_patches(
        clip, torch.Generator().manual_seed(0), categories=("depth",), total=50, pool=5
    )
    assert len(questions) <= len(regions) == 5


def test_a_clip_without_depth_is_refused(clip: Clip) -> None:
    with pytest.raises(ValueError, match="need depth, intrinsics and world_T_cam"):
        ask_about_patches(replace(clip, depth=None), torch.Generator(), categories=("depth",), total=1)
