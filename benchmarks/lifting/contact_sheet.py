"""A contact sheet of lifts: the input, the true mesh, and the mesh of each method over the faded picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor
from trimesh import Trimesh

from benchmarks.lifting.measure import EvaluationSet
from benchmarks.lifting.methods import Method
from benchmarks.lifting.truth import in_camera, read_truth
from models.lifting.meshes.mesh import GREY, ColouredMesh
from models.lifting.meshes.ray_casting import render_meshes
from scenes.drawing.meshes import close_up, faded
from scenes.drawing.regions import contact_sheet
from scenes.masked_object import MaskedObject

CELL_SIDE = 192  # pixels


def draw_sheet(test: EvaluationSet, methods: Mapping[str, Method], count: int) -> Image.Image:
    """Draw the first objects of a test set, one row each: picture, mask, truth, and the first candidate of each method.

    Objects without a pixel in their picture are left out.
    Where a method gave no mesh, or the place of the truth is not known, the cell shows the faded picture alone.
    """
    indices = list(islice((k for k in test.indices if bool(test.store[k].mask.any())), count))
    items, seeds = [test.store[index] for index in indices], [test.store.seeds[index] for index in indices]
    predictions = {name: method.predict(items, seeds, 0) for name, method in methods.items()}
    cells: list[Image.Image] = []
    titles: list[str] = []
    for row, (index, item) in enumerate(zip(indices, items, strict=True)):
        truth = read_truth(test.truth(index))
        meshes: dict[str, Trimesh | None] = {"truth": truth.in_camera.mesh if truth.placed else None}
        for name, of_items in predictions.items():
            prediction = of_items[row]
            meshes[name] = (
                None
                if isinstance(prediction, str)
                else in_camera(prediction.mesh, prediction.cam_T_obj, prediction.scale)
            )
        cells += draw_row(item, list(meshes.values()))
        hidden = "" if bool(item.occlusion.isnan()) else f", {float(item.occlusion):.0%} hidden"
        titles += [item.family + hidden, "mask", *meshes]
    return contact_sheet(cells, 3 + len(methods), titles)


def draw_row(item: MaskedObject, meshes: Sequence[Trimesh | None]) -> list[Image.Image]:
    """Draw a close-up, its mask, and each mesh (camera frame, metres) over the faded close-up."""
    image, mask, intrinsics = close_up(item.image, item.mask, item.intrinsics, CELL_SIDE)
    cells = [image, (255 * mask).to(torch.uint8).expand(3, -1, -1)]
    for mesh in meshes:
        cells.append(_overlay(faded(image), mesh, intrinsics))
    return [Image.fromarray(rearrange(cell, "c h w -> h w c").contiguous().numpy()) for cell in cells]


def _overlay(
    backdrop: Float[Tensor, "3 height width"], mesh: Trimesh | None, intrinsics: Float[Tensor, "3 3"]
) -> UInt8[Tensor, "3 height width"]:
    """Draw a grey mesh (camera frame, metres) over a picture in [0, 1]."""
    if mesh is not None:
        vertices = torch.tensor(mesh.vertices, dtype=torch.float32)
        colours = torch.full((len(vertices), 3), GREY, dtype=torch.uint8)
        coloured = ColouredMesh(vertices, torch.tensor(mesh.faces), colours)
        rendering = render_meshes([coloured], intrinsics, CELL_SIDE, CELL_SIDE)
        backdrop = torch.where(rendering.hit, rendering.rgb, backdrop)
    return (255 * backdrop.clamp(0, 1)).round().to(torch.uint8)
