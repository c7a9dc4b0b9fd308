"""`region4d ask`: a question about regions of a video, an image or an RGB-D folder."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from torch import Tensor

    from models.regions import Region
    from models.sr3d import SR3DProcessor
    from scenes import Clip

SHIPPED = Path("sr3d_tiny_3d")  # a name of the checkpoint registry
_TAG = re.compile(r"<region(\d+)>")
_PLACE = re.compile(r"(?P<index>\d+):(?P<what>.+?)(?:@(?P<frame>\d+))?")


def ask(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="video, image, or RGB-D folder")],
    question: Annotated[str, typer.Argument(help='mentions regions: "How far is <region0> from <region1>?"')],
    region: Annotated[list[str] | None, typer.Option(help="box in pixels, K:x0,y0,x1,y1[@frame]; repeatable")] = None,
    point: Annotated[list[str] | None, typer.Option(help="disc in pixels, K:x,y,radius[@frame]; repeatable")] = None,
    mask: Annotated[list[str] | None, typer.Option(help="mask picture, K:file.png[@frame]; repeatable")] = None,
    frames: Annotated[int, typer.Option(min=1, help="frames to sample; @frame counts these, from 0")] = 4,
    partial: Annotated[bool, typer.Option("--partial", help="read what is left of a cut or damaged video")] = False,
    model: Annotated[Path, typer.Option(help="checkpoint: a shipped name or a folder")] = SHIPPED,
    depth_model: Annotated[str, typer.Option(help="Depth Anything V2 folder or name, where INPUT has no depth")] = (
        "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf"
    ),
    no_depth: Annotated[bool, typer.Option("--no-depth", help="ask without a point map (the 2D model)")] = False,
    picture: Annotated[Path, typer.Option(help="where to draw the regions, question and answer")] = Path(
        "outputs/ask.png"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object instead of text")] = False,
) -> None:
    """Ask about regions of a video, an image or an RGB-D folder; print the answer and draw an annotated picture.

    Example: region4d ask room/ --region 0:40,200,180,330 --region 1:400,150,560,300
    "How far is <region0> from <region1>?"
    """
    from models.sr3d.answering import Answerer, Query
    from region4d.terminal import quiet_transformers
    from scenes.drawing.regions import draw_answer, save_picture
    from scenes.readers.open_clip import open_clip

    quiet_transformers()
    clip = open_clip(source, frames, partial)
    regions = parse_regions(clip, region or [], point or [], mask or [])
    check_mentions(question, len(regions))
    if no_depth:
        clip = replace(clip, depth=None, intrinsics=None, world_T_cam=None)
    elif clip.depth is None:
        clip, regions = with_depth(clip, regions, depth_model)
    answerer = Answerer.from_folder(model)
    check_words(answerer.processor, question)
    start = time.perf_counter()
    (answer,) = answerer.answer([Query(clip, regions, question)])
    seconds = time.perf_counter() - start
    save_picture(draw_answer(clip, regions, question, answer), picture)
    if as_json:
        typer.echo(json.dumps({"answer": answer, "seconds": round(seconds, 3), "picture": str(picture)}))
    else:
        typer.echo(answer)
        typer.echo(f"({seconds:.2f} s; picture: {picture})", err=True)


def parse_regions(clip: Clip, boxes: list[str], points: list[str], masks: list[str]) -> list[Region]:
    """Read the regions of the command line: `K:what[@frame]`, K = 0, 1, ...; one K may stand on several frames.

    Raises:
        ValueError: for a malformed region, a frame that the clip has not, or a gap in the numbering.
    """
    from models.regions import Region
    from region4d.flags import read_numbers
    from scenes.readers.image_files import read_mask

    height, width = clip.size
    marked: dict[int, dict[int, Tensor]] = defaultdict(dict)
    for kind, texts in (("region", boxes), ("point", points), ("mask", masks)):
        for text in texts:
            place = _PLACE.fullmatch(text)
            if place is None:
                raise ValueError(f"--{kind} '{text}' is not of the form K:...[@frame], e.g. --region 0:10,20,110,220@0")
            frame = int(place["frame"] or 0)
            if frame >= len(clip):
                raise ValueError(
                    f"--{kind} '{text}' names frame {frame}, but {len(clip)} frames are sampled (0 to {len(clip) - 1})"
                )
            if kind == "mask":
                name = f"{place['index']} ({place['what']})"
                one = Region.from_mask(read_mask(Path(place["what"]), height, width), frame, name)
            elif kind == "region":
                x0, y0, x1, y1 = read_numbers(kind, text, place["what"], 4)
                one = Region.from_box((x0, y0, x1, y1), height, width, frame)
            else:
                x, y, radius = read_numbers(kind, text, place["what"], 3)
                one = Region.from_points([(x, y)], radius, height, width, frame)
            marked[int(place["index"])].update(one.masks)
    if sorted(marked) != list(range(len(marked))):
        raise ValueError(f"regions are numbered 0, 1, ... without a gap; got {sorted(marked)}")
    return [Region(marked[index], f"region{index}") for index in sorted(marked)]


def with_depth(clip: Clip, regions: list[Region], depth_model: str) -> tuple[Clip, list[Region]]:
    """Give a clip without depth a point map from Depth Anything V2.

    Plain footage has no camera poses, so frames cannot share one space: only the frame of the regions is kept.
    """
    from models.depth import DepthAnythingV2
    from models.regions import Region
    from scenes.readers.estimated_depth import add_depth

    frames = sorted({frame for one in regions for frame in one.masks})
    if len(frames) > 1:
        raise ValueError(
            f"regions stand on frames {frames}, but this input has no camera poses that would join frames in one "
            "space: mark all regions on one frame, or ask with --no-depth"
        )
    frame = frames[0] if frames else 0
    if len(clip) > 1:
        typer.echo(f"no camera poses in this input: asking about frame {frame} alone", err=True)
    alone = [Region({0: one.masks[frame]}, one.name) for one in regions]
    return add_depth(clip.frames([frame]), DepthAnythingV2(depth_model)), alone


def check_mentions(question: str, regions: int) -> None:
    """Refuse a region that is not mentioned, and a mention without a region."""
    mentioned = {int(k) for k in _TAG.findall(question)}
    given = set(range(regions))
    if missing := sorted(mentioned - given):
        raise ValueError(f"the question mentions <region{missing[0]}>, but no --region {missing[0]}:... was given")
    if silent := sorted(given - mentioned):
        raise ValueError(f"--region {silent[0]}:... was given, but the question does not mention <region{silent[0]}>")


def check_words(processor: SR3DProcessor, question: str) -> None:
    """Refuse words that the model does not know; the tiny one reads only the grammar that it was trained on."""
    tokenizer = processor.tokenizer
    if tokenizer.unk_token_id is None:
        return
    words, _ = zip(*tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(_TAG.sub(" ", question)), strict=True)
    unknown = [word for word in words if tokenizer.convert_tokens_to_ids(word) == tokenizer.unk_token_id]
    if unknown:
        raise ValueError(
            f"this model does not know {', '.join(map(repr, unknown))}: it reads questions such as "
            '"How far is <region0> from <region1> at the start?" (all of them: scenes/questions/static.py)'
        )
