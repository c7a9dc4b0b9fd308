"""SPAR-7M, also as VG-LLM has it: pictures, and objects that are marked in them by colour.

Source: SPAR (arXiv 2503.22976); VG-LLM, src/qwen_vl/data/draw_marker.py. A question says "chair (red bbox)" or "lamp
(blue point)"; `red_bbox`, `blue_point`, ... are in thousandths of their picture, and `bbox_img_idx` and `point_img_idx`
tell the picture of each. They are in the sample itself or, as JSON, in its `spar_info`. Theirs are drawn into the
pictures; here they become regions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from models.sr3d.text.mentions import mention
from training.annotations.converters.llava import read_line, read_samples

COLOURS = ("red", "blue", "green", "yellow")
RADIUS = 20.0  # pixels of a point, as their code draws it
ORDERS: Mapping[str, Sequence[str]] = {  # of the colours in `..._img_idx`; of other tasks, those of COLOURS there are
    "distance_infer_center_oo_mv": ("red", "green", "blue"),
    **dict.fromkeys((f"spatial_imagination_oc_{kind}" for kind in ("mv", "video")), ("green", "blue", "red")),
    **dict.fromkeys((f"spatial_imagination_oo_{kind}" for kind in ("mv", "video")), ("green", "blue", "red", "yellow")),
}
ON_ONE_PICTURE = ("obj_spatial_relation_oc_mv", "obj_frame_locate")  # all marks, the first of `bbox_img_idx`
_MARK = re.compile(rf"\s*\(({'|'.join(COLOURS)}) (bbox|point)\)")
_MARK_KEY = re.compile(rf"(?:{'|'.join(COLOURS)})_(?:bbox|point)|(?:bbox|point)_list")


def from_spar(source: Path, media: Path) -> Iterator[Mapping[str, Any] | str]:
    """Convert samples; one whose questions do not name its marks by colour is left out."""
    for sample in read_samples(source):
        line = read_line(sample, media)
        if isinstance(line, str):
            yield line
            continue
        try:
            yield _with_regions(line, json.loads(sample["spar_info"]) if sample.get("spar_info") else sample)
        except Unclear as reason:
            yield str(reason)
        except OSError:
            yield "a picture is missing or cannot be read"
        except (ValueError, LookupError, TypeError):
            yield "its marks cannot be read"


class Unclear(ValueError):
    """Says why a sample is left out."""


def _with_regions(line: dict[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
    named: dict[tuple[str, str], int] = {}

    def to_mention(found: re.Match[str]) -> str:
        return f" {mention(named.setdefault((found[1], found[2]), len(named)))}"

    turns = [
        {"question": _MARK.sub(to_mention, turn["question"]).strip(), "answer": _MARK.sub("", turn["answer"]).strip()}
        for turn in line["conversations"][0]
    ]
    if not named and any(_MARK_KEY.fullmatch(key) and info[key] for key in info):
        raise Unclear("its marks are not named by colour in its questions")
    paths = line.get("images") or [line.get("image", "")]
    regions = [_mark(info, colour, kind, paths) for colour, kind in named]
    return {**line, "conversations": [turns], **({"regions": regions} if regions else {})}


def _mark(info: Mapping[str, Any], colour: str, kind: str, paths: Sequence[str]) -> dict[str, Any]:
    if not info.get(f"{colour}_{kind}"):
        raise Unclear("a question names a mark that the sample does not have")
    frame = _frame(info, colour, kind)
    with Image.open(paths[frame]) as picture:
        width, height = picture.size
    coordinates = [float(each) for each in info[f"{colour}_{kind}"][0]]
    pixels = [each * side / 1000 for each, side in zip(coordinates, (width, height) * 2, strict=False)]
    if kind == "point":
        return {"points": [pixels], "radius": RADIUS, "frame": frame}
    return {"box": pixels, "frame": frame}


def _frame(info: Mapping[str, Any], colour: str, kind: str) -> int:
    """Tell which picture a mark is on."""
    pictures = (info.get(f"{kind}_img_idx") or [[0]])[0]
    task = str(info.get("type"))
    if task in ON_ONE_PICTURE or len(pictures) == 1:
        return int(pictures[0])
    order = ORDERS.get(task) or [each for each in COLOURS if info.get(f"{each}_{kind}")]
    return int(pictures[order.index(colour)])
