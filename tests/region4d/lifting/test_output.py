"""The words and numbers that a lift prints about its objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from rich.console import Console

from models.geometry import PointMap, matrix
from models.lifting import LiftedObject
from models.lifting.export import METRES, RELATIVE_UNITS
from models.lifting.fitting.agreement import Agreement
from models.lifting.judgement import Judgement
from models.lifting.meshes.mesh import ColouredMesh
from region4d.footage.scale import RELATIVE
from region4d.lifting.input import LiftInput
from region4d.lifting.output import confidence_text, describe, judged, shape_line, size_text, title, to_terminal

FACT = {
    "name": "object_0",
    "seed": 4,
    "size_along_own_axes": [0.5, 0.254, 1.0],
    "distance_from_camera": 2.346,
    "shape_from": "network",
    "why": "it agrees with what is seen",
    "confidence": 0.87,
    "median_distance": 0.0123,
}


def square() -> LiftedObject:
    """A square of 1 m, facing the camera at 2 m."""
    vertices = torch.tensor([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    mesh = ColouredMesh(vertices, torch.tensor([[0, 1, 2], [0, 2, 3]]), torch.zeros(4, 3, dtype=torch.uint8))
    return LiftedObject(mesh, matrix(torch.eye(3), torch.tensor([0.0, 0, 2])), 1.0, None)


def given(depth: float | None) -> LiftInput:
    mask = torch.ones(2, 2, dtype=torch.bool)
    xyz = torch.tensor([0.1, 0.1, depth or 0.0]).expand(2, 2, 3)
    points = None if depth is None else PointMap(xyz, mask, "cam")
    return LiftInput(Path("a.png"), 0, torch.zeros(3, 2, 2, dtype=torch.uint8), [mask], torch.eye(3), points, None, [])


@pytest.mark.parametrize(("support", "other"), [(None, "mask"), (0.9, "hull")])
def test_a_kept_network_names_what_it_was_compared_with(support: float | None, other: str) -> None:
    found = Judgement("network", "it agrees", Agreement(0.8, None), Agreement(0.9, None))
    agreement = judged(replace(square(), support=support, judgement=found))["agreement"]
    assert {name: values["silhouette_iou"] for name, values in agreement.items()} == {"network": 0.8, other: 0.9}


def test_facts_of_an_object_are_in_metres() -> None:
    (fact,) = describe(given(depth=1.9), [square()], seed=3)
    assert fact["size_along_own_axes"] == [1, 1, 0]
    assert fact["distance_from_camera"] == 2
    assert fact["median_distance"] == pytest.approx(0.1)
    assert (fact["name"], fact["mask"], fact["mask_pixels"], fact["seed"]) == ("object_0", "mask_0.png", 4, 3)
    assert (fact["vertices"], fact["faces"]) == (4, 2)


def test_without_depth_nothing_is_said_about_points() -> None:
    (fact,) = describe(given(depth=None), [square()], seed=3)
    assert fact["median_distance"] is None


def test_a_title_has_size_distance_confidence_and_misfit() -> None:
    assert title(FACT, METRES) == (
        "object_0, seed 4: 0.50 x 0.25 x 1.00 m, 2.35 m away, network, expected overlap 87%, 12 mm from the points"
    )
    assert title(FACT, None) == "object_0, seed 4: size unknown, no depth was given"


def test_lengths_of_unknown_scale_are_relative() -> None:
    assert title(FACT, RELATIVE_UNITS) == (
        f"object_0, seed 4: 0.50 x 0.25 x 1.00 {RELATIVE}, 2.35 {RELATIVE} away, network, expected overlap 87%, "
        f"0.012 {RELATIVE} from the points"
    )


def test_an_unknown_confidence_is_a_dash() -> None:
    assert confidence_text(FACT | {"confidence": None}) == "-"
    assert confidence_text(FACT | {"confidence": 0.0}) == "0%"
    assert size_text(FACT) == "0.50 x 0.25 x 1.00"


@pytest.mark.parametrize(
    ("unit", "cells"),
    [
        (METRES, ["0.50 x 0.25 x 1.00", "2.35", "87%", "12"]),
        (RELATIVE_UNITS, ["0.50 x 0.25 x 1.00", "2.35", "87%", "0.012"]),
        (None, ["-", "-", "87%", "-"]),
    ],
)
def test_a_table_shows_lengths_in_their_unit_where_depth_is_known(unit: str | None, cells: list[str]) -> None:
    console = Console(width=200)
    with console.capture() as shown:
        console.print(to_terminal([FACT], unit))
    (row,) = [line for line in shown.get().splitlines() if "object_0" in line]
    words = [cell for cell in (part.strip() for part in row.split("  ")) if cell]
    assert words[1 : 1 + len(cells)] == cells


def test_a_line_says_where_the_shape_comes_from_and_what_is_unlike_training() -> None:
    assert shape_line(FACT) == "object_0: the network's shape, it agrees with what is seen"
    hull = FACT | {"shape_from": "hull", "why": "completed by symmetry, because", "unlike_training": True}
    assert shape_line(hull) == (
        "object_0: the visible hull, completed by symmetry, because; unlike the objects that the model was trained on"
    )
