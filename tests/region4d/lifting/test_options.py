"""Defaults of a lift, without a command line."""

from __future__ import annotations

import pytest

from region4d.lifting.options import LiftOptions


@pytest.mark.parametrize(
    ("options", "distilled", "has_depth", "taken"),
    [
        (LiftOptions(), True, True, (4, 0.0, True, "shape", 8)),
        (LiftOptions(), True, False, (4, 0.0, True, "none", 8)),
        (LiftOptions(), False, True, (25, 4.0, False, "shape", 8)),
        (LiftOptions(steps=3), True, True, (3, 4.0, False, "shape", 8)),
        (LiftOptions(guidance=7), True, True, (25, 7.0, False, "shape", 8)),
        (LiftOptions(shortcut=False), True, True, (25, 4.0, False, "shape", 8)),
        (LiftOptions(shortcut=True, steps=2), False, False, (2, 0.0, True, "none", 8)),
        (LiftOptions(choose=3), True, True, (4, 0.0, True, "shape", 1)),
        (LiftOptions(fit="pose", best_of=2), True, True, (4, 0.0, True, "pose", 2)),
    ],
)
def test_what_is_left_open_depends_on_the_model_and_on_depth(
    options: LiftOptions, distilled: bool, has_depth: bool, taken: tuple
) -> None:
    sampling = options.resolve(distilled, has_depth)
    resolved = (sampling.steps, sampling.guidance.weight, sampling.shortcut, sampling.fit, sampling.best_of)
    assert resolved == taken
    assert sampling.guidance.modalities == ("shape",)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        (LiftOptions(), "hull"),
        (LiftOptions(shape="network"), "network"),
        (LiftOptions(best_of=4), "auto"),
        (LiftOptions(steps=9), "auto"),
        (LiftOptions(choose=3), "network"),
    ],
)
def test_outlines_alone_are_inflated_unless_the_network_is_asked_for(options: LiftOptions, shape: str) -> None:
    assert options.resolve(True, False, outlines=True).shape == shape
    assert options.resolve(True, False).shape == ("auto" if shape == "hull" else shape)


def test_objects_share_a_seed_and_candidates_do_not() -> None:
    assert LiftOptions(seed=5).seeds(3) == [5, 5, 5]
    assert LiftOptions(seed=5, choose=3).seeds(1) == [5, 6, 7]


def test_options_that_exclude_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="--shortcut and --guidance exclude"):
        LiftOptions(shortcut=True, guidance=2)
    with pytest.raises(ValueError, match="--choose and --best-of exclude"):
        LiftOptions(choose=2, best_of=2)
