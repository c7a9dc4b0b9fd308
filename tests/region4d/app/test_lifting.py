"""Which object is lifted, and what is said of it. The networks are untrained: what they make is tested elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.lifting import LiftingModel
from region4d.app.lifting import EFFORTS, Lifted, Lifter, one_object, true_object
from region4d.app.marks import BoxMark, MaskMark, StrokeMark
from region4d.app.opening import Opened, open_world
from region4d.footage.scale import RELATIVE
from region4d.lifting.input import input_of
from region4d.lifting.options import LiftOptions
from scenes.clip import Clip


def unheard(_doing: str, _share: float) -> None:
    """Report to nobody."""


@pytest.fixture(scope="module")
def world() -> Opened:
    return open_world(6, 2, False)


def largest(clip: Clip, frame: int) -> tuple[int, torch.Tensor]:
    """The object that covers most of a frame, and its pixels."""
    assert clip.truth is not None
    index = int(torch.bincount(clip.truth.instances[frame].flatten().long())[1:].argmax())
    return index, clip.truth.instances[frame] == index + 1


def around(mask: torch.Tensor, frame: int = 0) -> BoxMark:
    rows, cols = torch.nonzero(mask, as_tuple=True)
    return BoxMark(0, frame, float(cols.min()) - 2, float(rows.min()) - 2, float(cols.max()) + 3, float(rows.max()) + 3)


def test_a_box_marks_the_object_in_it_and_the_truth_of_that_object_is_told(world: Opened) -> None:
    index, mask = largest(world.clip, 1)
    footage, frame = one_object(world, [around(mask, 1)])
    assert (frame, len(footage.clip), footage.clip.video.equal(world.clip.video[1:])) == (1, 1, True)
    found = footage.marks[0].mask
    assert float((found & mask).sum()) / float((found | mask).sum()) > 0.8
    truth = true_object(footage.clip, input_of(footage, Path("world 6"), 1))
    assert world.clip.truth is not None
    known = world.clip.truth.objects[index]
    assert truth is not None
    assert truth.startswith(f"{known.colour} {known.family}, {known.size[0]:.2f} x ")


def test_what_is_painted_is_taken_as_it_is(world: Opened) -> None:
    _, mask = largest(world.clip, 0)
    footage, _ = one_object(world, [MaskMark.of(0, 0, mask)])
    assert footage.marks[0].mask.equal(mask)


def test_of_the_room_no_truth_is_told(world: Opened) -> None:
    assert world.clip.truth is not None
    rest = world.clip.truth.instances[0] == 0
    footage, _ = one_object(world, [MaskMark.of(0, 0, rest)])
    assert true_object(footage.clip, input_of(footage, Path("world 6"), 0)) is None


def test_without_marks_several_regions_or_several_frames_it_says_what_to_do(world: Opened) -> None:
    box = around(largest(world.clip, 0)[1])
    with pytest.raises(ValueError, match="no object is marked; draw a region"):
        one_object(world, [])
    with pytest.raises(ValueError, match="one object is lifted at a time; region 1 is drawn as well"):
        one_object(world, [box, replace(box, region=1)])
    with pytest.raises(ValueError, match=r"one frame is lifted; .* on frames 0, 1: keep one"):
        one_object(world, [box, replace(box, frame=1)])


def test_a_box_in_which_nothing_stands_out_says_so_without_flags(world: Opened) -> None:
    flat = replace(world.clip, depth=torch.full_like(world.clip.depth, 3.0))  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"no object is found in this box by its depth \(.*\); paint the object"
    ) as error:
        one_object(replace(world, clip=flat), [BoxMark(0, 0, 40, 40, 90, 90)])
    assert "--" not in str(error.value)


def test_paint_without_depth_is_refused_where_other_pixels_have_some(world: Opened) -> None:
    assert world.clip.depth is not None
    depth = world.clip.depth.clone()
    depth[0, 40:60, 40:60] = 0
    with pytest.raises(ValueError, match="pixels of the region has depth"):
        one_object(replace(world, clip=replace(world.clip, depth=depth)), [StrokeMark(0, 0, ((50, 50),), 4)])


def test_a_folder_that_is_no_lifting_model_is_refused_before_anything_is_lifted(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"--lift-model '.*' is not a lifting model; give a shipped name"):
        Lifter(tmp_path)


@pytest.fixture
def effort(monkeypatch: pytest.MonkeyPatch) -> None:
    """An effort of one step."""
    monkeypatch.setitem(EFFORTS, "test", LiftOptions(steps=1, guidance=0.0, fit="none", best_of=1))


def lifter(networks: LiftingModel) -> Lifter:
    made = Lifter(Path("lift_tiny"))
    made.__dict__["networks"] = networks
    return made


@pytest.mark.usefixtures("effort")
def test_progress_is_told_and_depth_confidence_and_distance_are_stated(world: Opened, tiny: LiftingModel) -> None:
    told: list[float] = []
    lifted = lifter(tiny).lift(world, [around(largest(world.clip, 0)[1])], "test", lambda _, share: told.append(share))
    assert told == sorted(told)
    assert len(told) >= 3  # loading, one call of the network, measuring
    assert lifted.size is not None
    assert lifted.size.endswith(" m")
    assert lifted.lines[1] == "one sample; nothing follows the visible points"
    assert lifted.lines[2] == "depth: exact, of the world (metric)"
    assert any(line.startswith("support: ") for line in lifted.lines)
    unscaled = replace(lifted, given=replace(lifted.given, metric=False))
    assert str(unscaled.size).endswith(RELATIVE)
    assert unscaled.lines[2] == "depth: exact, of the world (of unknown scale)"


@pytest.mark.usefixtures("effort")
def test_without_depth_no_size_is_told_and_the_reason_is(world: Opened, tiny: LiftingModel) -> None:
    colours = replace(world, clip=replace(world.clip, depth=None, intrinsics=None, world_T_cam=None), depth=None)
    lifted: Lifted = lifter(tiny).lift(
        replace(colours, camera="assumed"), [BoxMark(0, 0, 40, 40, 90, 90)], "test", unheard
    )
    assert lifted.size is None
    assert "no depth: pose and scale are those of an average scene, not metres" in lifted.lines


@pytest.mark.usefixtures("effort")
def test_a_lift_ends_where_its_report_raises(world: Opened, tiny: LiftingModel) -> None:
    class Left(Exception):
        pass

    def leave(doing: str, share: float) -> None:
        if share > 0:
            raise Left

    with pytest.raises(Left):
        lifter(tiny).lift(world, [around(largest(world.clip, 0)[1])], "test", leave)
    assert not tiny.flow._forward_hooks
