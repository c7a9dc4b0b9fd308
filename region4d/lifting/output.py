"""Output of `region4d lift`: meshes, pictures, and `poses.json` with the poses of the objects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from rich.box import SIMPLE_HEAD
from rich.table import Table
from torch import Tensor

from benchmarks.metrics.surface import Surface
from models.geometry import PointMap
from models.lifting import LiftedObject, write_glb, write_ply
from models.lifting.export import GLB_FRAME, METRES, PLY_FRAME, RELATIVE_UNITS, to_trimesh
from region4d.footage.scale import RELATIVE
from region4d.lifting.input import LiftInput
from scenes.drawing.meshes import over_photo, turntable
from scenes.readers.image_files import write_mask

CONVENTION = (
    "A vertex v of an object's own mesh (cube [-0.5, 0.5]^3, z up) is at R (scale * v) + t of the camera, with R and t "
    "the rotation and translation of cam_T_obj (4x4, rows)."
)
FRAME = "OpenCV camera axes: x right, y down, z forward; the camera is at the origin"
AVERAGE = "none: no depth was given, so pose and scale are those of an average scene"


def median_distance(lifted: LiftedObject, points: PointMap, mask: Bool[Tensor, "height width"]) -> float:
    """Measure how far (median, unit of the points) the valid points under the mask are from the lifted surface."""
    visible = points.xyz[points.valid & mask].double().numpy()
    return float(np.median(Surface(to_trimesh(lifted.in_camera()), "the lifted mesh").distance(visible)))


def describe(given: LiftInput, objects: Sequence[LiftedObject], seed: int) -> list[dict[str, Any]]:
    """List the facts of each object (metres, or relative units); those that need depth are null without it."""
    facts = []
    for k, (lifted, mask) in enumerate(zip(objects, given.masks, strict=False)):
        corners = lifted.mesh.vertices.amin(0), lifted.mesh.vertices.amax(0)
        centre = lifted.in_camera().vertices.mean(0)
        facts.append(
            {
                "name": f"object_{k}",
                "mask": f"mask_{k}.png",
                "mask_pixels": int(mask.sum()),
                "seed": seed,
                "cam_T_obj": lifted.cam_T_obj.tolist(),
                "scale": lifted.scale,
                **judged(lifted),
                "misfit": lifted.residual,
                "size_along_own_axes": (lifted.scale * (corners[1] - corners[0])).tolist(),
                "distance_from_camera": float(centre.norm()),
                "median_distance": None if given.points is None else median_distance(lifted, given.points, mask),
                "vertices": len(lifted.mesh.vertices),
                "faces": len(lifted.mesh.faces),
            }
        )
    return facts


def judged(lifted: LiftedObject) -> dict[str, Any]:
    """List where the shape comes from and what speaks for it; what needs depth is null without it."""
    found = lifted.judgement
    if found is None:
        return {"shape_from": "network", "confidence": None, "support": lifted.support}
    return {
        "shape_from": found.source,
        "why": found.reason,
        "confidence": found.confidence,  # expected solid IoU with the true object, calibrated on rendered ones
        "unlike_training": found.unlike_training,
        "support": lifted.support,  # share of the visible points within 5 % of the cube of the surface
        "samples_apart": found.spread,  # in diagonals of the object
        "agreement": {
            name: None if value is None else {"silhouette_iou": value.silhouette, "depth_error": value.depth}
            for name, value in (("network", found.network), ("mask" if lifted.support is None else "hull", found.hull))
        },
    }


def shape_line(fact: Mapping[str, Any]) -> str:
    """Say in one line where the shape of an object comes from, and whether it is unlike all training objects."""
    kind = {"hull": "the visible hull", "mask": "the mask"}.get(fact["shape_from"], "the network's shape")
    unlike = "; unlike the objects that the model was trained on" if fact.get("unlike_training") else ""
    return f"{fact['name']}: {kind}, {fact.get('why', 'not compared with the picture')}{unlike}"


def write_masks(folder: Path, masks: Sequence[Bool[Tensor, "height width"]]) -> None:
    """Write the mask of each object."""
    for k, mask in enumerate(masks):
        write_mask(folder / f"mask_{k}.png", mask)


def write_lift(
    folder: Path,
    given: LiftInput,
    objects: Sequence[LiftedObject],
    facts: Sequence[Mapping[str, Any]],
    made_by: Mapping[str, Any],
) -> None:
    """Write `lifted.glb`, `lifted.ply`, `poses.json`, `turntable.png`, `over_photo.png`; `made_by` joins the JSON."""
    unit = unit_of(given)
    file_unit = unit or RELATIVE_UNITS
    write_glb(folder / "lifted.glb", objects, file_unit)
    write_ply(folder / "lifted.ply", objects, file_unit)
    turntable(objects, [title(fact, unit) for fact in facts]).save(folder / "turntable.png")
    over_photo(given.image, given.masks, objects, given.intrinsics).save(folder / "over_photo.png")
    sampled = {} if given.sampled is None else {"sampled_frames": given.sampled}
    poses = {
        "convention": CONVENTION,
        "frame": FRAME,
        "units": unit or AVERAGE,
        "files": {"lifted.ply": PLY_FRAME.format(unit=file_unit), "lifted.glb": GLB_FRAME.format(unit=file_unit)},
        "source": str(given.source),
        "frame_index": given.frame,
        **sampled,
        "image_height_width": list(given.image.shape[1:]),
        "intrinsics": given.intrinsics.tolist(),
        "depth": given.depth,
        "notes": list(given.notes),
        "objects": list(facts),
        **made_by,
    }
    (folder / "poses.json").write_text(json.dumps(poses, indent=2) + "\n")


def unit_of(given: LiftInput) -> str | None:
    """Name the unit of all lengths; None without depth, where they are those of an average scene."""
    if given.points is None:
        return None
    return METRES if given.metric else RELATIVE_UNITS


def title(fact: Mapping[str, Any], unit: str | None) -> str:
    """Describe an object in one line; lengths in `unit`, as `unit_of` names it."""
    if unit is None:
        return f"{fact['name']}, seed {fact['seed']}: size unknown, no depth was given"
    short = "m" if unit == METRES else RELATIVE
    kind = "visible hull" if fact["shape_from"] == "hull" else "network"
    return (
        f"{fact['name']}, seed {fact['seed']}: {size_text(fact)} {short}, {fact['distance_from_camera']:.2f} {short} "
        f"away, {kind}, expected overlap {confidence_text(fact)}, {distance_text(fact, unit)} from the points"
    )


def distance_text(fact: Mapping[str, Any], unit: str) -> str:
    """Write the distance between an object and its points, with its unit."""
    distance = fact["median_distance"]
    return f"{1000 * distance:.0f} mm" if unit == METRES else f"{distance:.3f} {RELATIVE}"


def size_text(fact: Mapping[str, Any]) -> str:
    """Write an object's size along its own axes."""
    return " x ".join(f"{side:.2f}" for side in fact["size_along_own_axes"])


def confidence_text(fact: Mapping[str, Any]) -> str:
    """Write a confidence, which is an expected overlap, or a dash where it is unknown."""
    return "-" if fact["confidence"] is None else f"{fact['confidence']:.0%}"


def to_terminal(facts: Sequence[Mapping[str, Any]], unit: str | None) -> Table:
    """Lay the objects out as a table for a terminal; lengths in `unit`, as `unit_of` names it."""
    short = "relative" if unit == RELATIVE_UNITS else "m"
    apart = "off the points" if unit == RELATIVE_UNITS else "off the points, mm"
    table = Table("object", f"size, {short}", f"distance, {short}", "expected overlap", apart, box=SIMPLE_HEAD)
    for fact in facts:
        table.add_row(
            fact["name"],
            size_text(fact) if unit else "-",
            f"{fact['distance_from_camera']:.2f}" if unit else "-",
            confidence_text(fact),
            distance_text(fact, unit).split()[0] if unit else "-",
        )
    return table
