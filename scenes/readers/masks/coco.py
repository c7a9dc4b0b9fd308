"""Masks in the JSON of COCO: run-length codes (plain and compressed; written plain) and polygons."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

LISTED = 12  # annotations in an error


def read_coco(path: Path, height: int, width: int, label: int | None = None) -> Bool[np.ndarray, "height width"]:
    """Read the mask of one annotation, of a frame of `height` x `width` pixels.

    The file is a COCO data set, the output of SAM's mask generator, a list of annotations, one annotation, one
    run-length code, or polygons. `label` is the id of an annotation, or its place (from 0) where none has an id. A
    pixel is in a polygon if its centre is; the parts of an annotation are joined.

    Raises:
        ValueError: the file is not COCO, its size differs, there is no such annotation, or there are several and none
            is chosen.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"mask '{path}' is not JSON; give COCO annotations, or a picture") from error
    try:
        annotation = _choose(path, _annotations(content), label)
        sizes = {image["id"]: (image["height"], image["width"]) for image in _of(content, "images")}
        size = sizes.get(annotation.get("image_id"), (height, width))
        if isinstance(annotation["segmentation"], Mapping):
            size = tuple(annotation["segmentation"]["size"])
        if size != (height, width):
            raise ValueError(
                f"a mask must have the size of its frame; '{path}' is {size[1]}x{size[0]}, expected {width}x{height}"
            )
        try:
            return draw_segmentation(annotation["segmentation"], height, width)
        except ValueError as error:
            raise ValueError(f"mask '{path}': {error}") from error
    except (KeyError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise ValueError(
            f"mask '{path}' is not COCO: it needs annotations whose segmentation is a run-length code (size, counts) "
            "or polygons of pixels"
        ) from error


def decode_counts(text: str) -> list[int]:
    """Decode the compressed run lengths of COCO: groups of 5 bits, differences to the length two before.

    Source: `rleFrString` of cocoapi (common/maskApi.c).

    Raises:
        ValueError: the text ends within a number, or has a character of another code.
    """
    counts: list[int] = []
    value, shift = 0, 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64 or shift > 60:
            raise ValueError(f"a run-length code has the character {character!r}, which is not of COCO's code")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        value -= (group & 16) << shift - 4  # the sign: group & 16 is the highest of `shift` bits
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise ValueError("a run-length code ends within a number: it is cut")
    return counts


def encode_mask(mask: Bool[np.ndarray, "height width"]) -> dict[str, Any]:
    """Write a mask as COCO's plain run-length code: its size, and runs of 0 and 1 in turn, column by column."""
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    starts = [0] if not flat[0] else [0, 0]  # a code begins with a run of 0, which may be empty
    counts = np.diff([*starts, *edges.tolist(), len(flat)])
    return {"size": list(mask.shape), "counts": counts.tolist()}


def _annotations(content: Any) -> list[Mapping[str, Any]]:
    if isinstance(content, Mapping):
        if "annotations" in content:
            return list(content["annotations"])
        return [content if "segmentation" in content else {"segmentation": content}]
    if content and all(isinstance(each, Mapping) for each in content):
        return [each if "segmentation" in each else {"segmentation": each} for each in content]
    return [{"segmentation": content}]


def _of(content: Any, name: str) -> Sequence[Mapping[str, Any]]:
    return content.get(name, []) if isinstance(content, Mapping) else []


def _choose(path: Path, annotations: Sequence[Mapping[str, Any]], label: int | None) -> Mapping[str, Any]:
    named = {annotation.get("id", place): annotation for place, annotation in enumerate(annotations)}
    if not named:
        raise ValueError(f"mask '{path}' holds no annotations")
    names = ", ".join(map(str, list(named)[:LISTED])) + (", ..." if len(named) > LISTED else "")
    if label is None and len(named) > 1:
        raise ValueError(
            f"mask '{path}' holds {len(named)} annotations, {names}; choose one, as in {path.name}#{next(iter(named))}"
        )
    if label is not None and label not in named:
        raise ValueError(f"mask '{path}' has annotations {names}; {label} is not there")
    return next(iter(named.values())) if label is None else named[label]


def draw_segmentation(segmentation: Any, height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """Draw COCO's `segmentation` of a frame of `height` x `width`: a run-length code, a polygon or several.

    Raises:
        ValueError: a code does not cover the frame, or a polygon has fewer than three corners.
    """
    if isinstance(segmentation, Mapping):
        counts = segmentation["counts"]
        runs = np.array(decode_counts(counts) if isinstance(counts, str) else counts, np.int64)
        if runs.ndim != 1 or (runs < 0).any() or runs.sum() != height * width:
            raise ValueError(
                f"a run-length code covers {runs.sum()} pixels, its size {height}x{width} has {height * width}"
            )
        inside = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
        return np.ascontiguousarray(inside.reshape(width, height).T)  # column by column
    polygons = segmentation if isinstance(segmentation[0], Sequence) else [segmentation]
    mask = np.zeros((height, width), bool)
    for polygon in polygons:
        if len(polygon) % 2:
            raise ValueError(f"a polygon needs three corners or more, x0,y0,x1,y1,...: got {len(polygon)} numbers")
        mask |= fill_polygon(np.array(polygon, np.float64).reshape(-1, 2), height, width)
    return mask


def fill_polygon(corners: np.ndarray, height: int, width: int) -> Bool[np.ndarray, "height width"]:
    """Mark the pixels whose centres lie in a polygon of corners (x, y) in pixels, by the even-odd rule.

    Raises:
        ValueError: there are fewer than three corners, or one is not finite.
    """
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError(
            f"a polygon needs three corners or more, as x0,y0,x1,y1,...: got {corners.ravel().tolist()[:8]}"
        )
    crossings = np.zeros((height, width + 1), np.int32)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        (x0, y0), (x1, y1) = ((x0, y0), (x1, y1)) if y0 <= y1 else ((x1, y1), (x0, y0))
        first, end = np.clip(np.ceil(np.array([y0, y1]) - 0.5), 0, height).astype(int)
        rows = np.arange(first, end)  # rows whose centre line the edge crosses
        if len(rows):
            x = x0 + (rows + 0.5 - y0) * (x1 - x0) / (y1 - y0)
            crossings[rows, np.clip(np.ceil(x - 0.5), 0, width).astype(int)] += 1
    inside: np.ndarray = crossings[:, :width].cumsum(1) % 2 == 1
    return inside
