"""One line of training data: a JSON object that names media, the regions on them, and conversations about both."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

from models.sr3d.text.mentions import mentioned

MediaKind = Literal["image", "images", "video", "folder"]
MarkKind = Literal["box", "polygon", "rle", "mask", "points"]
KEYS = {*get_args(MediaKind), "frames", "indices", "seconds", "depth", "geometry"}
KEYS |= {"regions", "conversations", "weight", "licence", "id"}
RADIUS = 4.0  # pixels around a point that names none


@dataclass(frozen=True)
class Depth:
    """Depth of a single image: its file, units in a metre, whether it is metric, and the horizontal field of view."""

    file: str
    units_per_metre: int | float | None = None
    metric: bool = True
    fov_deg: int | float | None = None


@dataclass(frozen=True)
class Media:
    """What is seen. `frames` are sampled uniformly, or are those of `indices`, or (of a video) at `seconds`.

    Of a list of images, `seconds` are their times, else one a second. Without `geometry`, depth and poses of a folder
    are not used.
    """

    kind: MediaKind
    paths: tuple[str, ...]
    frames: int | None = None
    indices: tuple[int, ...] | None = None
    seconds: tuple[float, ...] | None = None
    depth: Depth | None = None
    geometry: bool = True


@dataclass(frozen=True)
class Mark:
    """A part of a region in one frame, counted among the frames that are used; pixels of that frame as it is on disk.

    `value`: a box x0, y0, x1, y1; a polygon or several, x0, y0, x1, y1, ...; COCO's run-length code; a mask file with
    `#LABEL`; or points (x, y), of which each marks a disc of `radius` pixels.
    """

    kind: MarkKind
    value: Any
    frame: int = 0
    radius: float = RADIUS


@dataclass(frozen=True)
class Turn:
    """A question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Annotation:
    """A sample of training data. Each conversation has one turn or many; all of them are about the same media."""

    media: Media | None
    regions: tuple[tuple[Mark, ...], ...]
    conversations: tuple[tuple[Turn, ...], ...]
    weight: float = 1.0
    licence: str = ""
    name: str = ""


def parse_line(text: str | bytes) -> Annotation:
    """Read one line.

    Raises:
        ValueError: it is not JSON, a key is unknown or missing, a value has another form, or a question mentions a
            region that the line does not have.
    """
    try:
        fields = json.loads(text.strip())
    except json.JSONDecodeError as error:
        raise ValueError(
            f"the line is not JSON: {error.msg} at column {error.colno}; write one JSON object a line, {{...}}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the line is not JSON ({error}); write one JSON object a line, {{...}}") from error
    _need(isinstance(fields, Mapping), "the line", "a JSON object, {...}", fields)
    if unknown := sorted(set(fields) - KEYS):
        raise ValueError(f"the key '{unknown[0]}' is unknown; known are {', '.join(sorted(KEYS))}")
    regions = tuple(_region(k, each) for k, each in enumerate(_list("regions", fields.get("regions", []))))
    media = _media(fields)
    if regions and media is None:
        raise ValueError("there are regions, but no media that they lie on; add image, images, video or folder")
    conversations = tuple(_conversation(each) for each in _list("conversations", fields.get("conversations")))
    if not conversations:
        raise ValueError('there is no conversation; add "conversations": [[{"question": "...", "answer": "..."}]]')
    _check_mentions(conversations, len(regions))
    weight = fields.get("weight", 1.0)
    _need(_is_number(weight) and weight >= 0, "weight", "a number, 0 or more", weight)
    for key in ("licence", "id"):
        _need(isinstance(fields.get(key, ""), str), key, "a text", fields.get(key))
    return Annotation(media, regions, conversations, float(weight), fields.get("licence", ""), fields.get("id", ""))


def _media(fields: Mapping[str, Any]) -> Media | None:
    kinds = [kind for kind in get_args(MediaKind) if kind in fields]
    options = {key: fields[key] for key in ("frames", "indices", "seconds", "depth", "geometry") if key in fields}
    if len(kinds) > 1:
        raise ValueError(f"{' and '.join(kinds)} exclude each other; give one of them")
    if not kinds:
        if options:
            raise ValueError(f"'{next(iter(options))}' is of media, but there are none; leave it out")
        return None
    kind: MediaKind = kinds[0]
    paths = fields[kind] if kind == "images" else [fields[kind]]
    _need(isinstance(paths, list) and bool(paths) and all(_is_path(p) for p in paths), kind, "file names", fields[kind])
    takes = {"image": {"depth"}, "images": {"seconds"}, "folder": {"frames", "indices", "geometry"}}
    allowed = takes.get(kind, {"frames", "indices", "seconds"})
    if wrong := sorted(set(options) - allowed):
        raise ValueError(f"'{wrong[0]}' does not go with {kind}, only {', '.join(sorted(allowed))}; leave it out")
    chosen = [key for key in ("frames", "indices", "seconds") if key in options]
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)} exclude each other; give one of them")
    frames, indices, seconds = (options.get(key) for key in ("frames", "indices", "seconds"))
    _need(frames is None or (type(frames) is int and frames > 0), "frames", "a whole number, 1 or more", frames)
    _need(indices is None or _are(indices, lambda i: type(i) is int and i >= 0), "indices", "frame numbers", indices)
    _need(seconds is None or _are(seconds, _is_number), "seconds", "a list of times", seconds)
    if seconds is not None and any(later <= sooner for sooner, later in pairwise(seconds)):
        raise ValueError(f"seconds must rise; got {_short(seconds)}")
    if kind == "images" and seconds is not None and len(seconds) != len(paths):
        raise ValueError(f"there are {len(paths)} images and {len(seconds)} seconds; give one each")
    _need(type(options.get("geometry", True)) is bool, "geometry", "true or false", options.get("geometry"))
    return Media(
        kind,
        tuple(paths),
        frames,
        None if indices is None else tuple(indices),
        None if seconds is None else tuple(map(float, seconds)),
        _depth(options["depth"]) if "depth" in options else None,
        options.get("geometry", True),
    )


def _depth(value: Any) -> Depth:
    form = '{"file": "...", "units_per_metre": 1000, "metric": true, "fov_deg": 60}, of which file is needed'
    known = isinstance(value, Mapping) and set(value) <= {"file", "units_per_metre", "metric", "fov_deg"}
    _need(known and _is_path(value.get("file")), "depth", form, value)
    units, fov = value.get("units_per_metre"), value.get("fov_deg")
    _need(units is None or (_is_number(units) and units > 0), "units_per_metre", "a positive number", units)
    _need(fov is None or (_is_number(fov) and 0 < fov < 180), "fov_deg", "degrees between 0 and 180", fov)
    _need(type(value.get("metric", True)) is bool, "metric", "true or false", value.get("metric"))
    return Depth(value["file"], units, value.get("metric", True), fov)


def _region(number: int, value: Any) -> tuple[Mark, ...]:
    marks = value if isinstance(value, list) else [value]
    _need(bool(marks), f"region {number}", "a mark or several", value)
    return tuple(_mark(f"region {number}", each) for each in marks)


def _mark(region: str, value: Any) -> Mark:
    form = f"a mark, such as {{'box': [x0, y0, x1, y1], 'frame': 0}}; kinds are {', '.join(get_args(MarkKind))}"
    _need(isinstance(value, Mapping), region, form, value)
    kinds = [kind for kind in get_args(MarkKind) if kind in value]
    _need(len(kinds) == 1 and set(value) <= {*kinds, "frame", "radius"}, region, form, value)
    kind, frame, radius = kinds[0], value.get("frame", 0), value.get("radius", RADIUS)
    _need(type(frame) is int and frame >= 0, f"frame of {region}", "a whole number, 0 or more", frame)
    _need(_is_number(radius) and radius >= 0, f"radius of {region}", "pixels, 0 or more", radius)
    if "radius" in value and kind != "points":
        raise ValueError(f"{region}: a radius is of points, not of a {kind}; leave it out")
    held = value[kind]
    forms = {
        "box": (_are(held, _is_number) and len(held) == 4, "x0, y0, x1, y1"),
        "polygon": (_are(held, _is_number) or _are(held, lambda p: _are(p, _is_number)), "x0, y0, x1, y1, ..."),
        "rle": (isinstance(held, Mapping) and {"size", "counts"} <= set(held), "size and counts of COCO"),
        "mask": (_is_path(held), "a file name"),
        "points": (_are(held, lambda p: _are(p, _is_number) and len(p) == 2), "a list of [x, y]"),
    }
    fits, wanted = forms[kind]
    _need(fits, f"{kind} of {region}", wanted, held)
    return Mark(kind, held, frame, float(radius))


def _conversation(value: Any) -> tuple[Turn, ...]:
    form = 'a list of turns, [{"question": "...", "answer": "..."}, ...]'
    turns = _list("a conversation", value)
    _need(bool(turns), "a conversation", form, value)
    for turn in turns:
        fits = isinstance(turn, Mapping) and set(turn) == {"question", "answer"}
        _need(fits and all(isinstance(text, str) and text.strip() for text in turn.values()), "a turn", form, turn)
    return tuple(Turn(turn["question"], turn["answer"]) for turn in turns)


def _check_mentions(conversations: Sequence[Sequence[Turn]], regions: int) -> None:
    said: set[int] = set()
    for turns in conversations:
        for turn in turns:
            said |= set(mentioned(turn.question, regions))
            if mentioned(turn.answer):
                raise ValueError(f"an answer mentions a region, which only questions can: {_short(turn.answer)}")
    if silent := sorted(set(range(regions)) - said):
        raise ValueError(f"no question mentions <region{silent[0]}>; mention every region, or leave it out")


def _list(what: str, value: Any) -> list[Any]:
    _need(isinstance(value, list), what, "a list", value)
    return list(value)


def _are(value: Any, fits: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(fits, value))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _need(fits: bool, what: str, form: str, value: Any) -> None:
    if not fits:
        raise ValueError(f"{what} must be {form}; got {_short(value)}")


def _short(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
