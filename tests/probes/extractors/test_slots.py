"""Which input frames the slots of features encode."""

from __future__ import annotations

import pytest
import torch

from probes.extractors.slots import Features, SlotMap

CAUSAL = SlotMap(((0,), (1, 2, 3, 4), (5, 6, 7, 8)))


def test_a_frame_is_found_in_its_slot_and_in_the_first_of_several() -> None:
    assert CAUSAL.slots_of([8, 0, 3, 3]) == [2, 0, 1, 1]
    assert SlotMap(((0, 1), (1, 2))).slots_of([1]) == [0]
    assert len(CAUSAL) == 3


def test_a_frame_that_no_slot_encodes_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="no slot encodes frame 9: the features are of 9 frames, 0 to 8"):
        CAUSAL.slots_of([0, 9])


@pytest.mark.parametrize("frames", [((0,), ()), ((0,), (1, -1))])
def test_a_slot_without_frames_or_with_a_negative_one_is_refused(frames: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="a slot encodes one frame or more, counted from 0; got"):
        SlotMap(frames)


def test_features_of_some_frames_are_their_slots_each_once() -> None:
    values = torch.arange(3.0)[:, None, None, None].expand(3, 2, 2, 4)
    some = Features(values, CAUSAL).of_frames([7, 1, 6])
    assert some.values[:, 0, 0, 0].tolist() == [1, 2]
    assert some.slots == SlotMap(((1, 2, 3, 4), (5, 6, 7, 8)))


def test_features_have_as_many_slots_as_their_map() -> None:
    with pytest.raises(ValueError, match="2 slots of features, but a map of 3"):
        Features(torch.zeros(2, 1, 1, 4), CAUSAL)
