"""`region4d ask`: a question about regions of a video, a picture or an RGB-D folder."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from region4d import flags

SHIPPED = Path("sr3d_tiny_3d")  # a name of the checkpoint registry
DEPTH_MODEL = "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf"
FRAMES = 4


def ask(
    source: flags.Source,
    question: Annotated[
        str | None,
        typer.Argument(metavar="QUESTION", help='mentions the regions: "How far is <region0> from <region1>?"'),
    ] = None,
    region: flags.RegionFlag = None,
    point: flags.PointFlag = None,
    mask: flags.MaskFlag = None,
    click: flags.ClickFlag = None,
    text: flags.TextFlag = None,
    segmenter: flags.SegmenterFlag = None,
    save_masks: flags.SaveMasksFlag = None,
    frames: flags.FramesFlag = None,
    frame: flags.FrameFlag = None,
    partial: flags.PartialFlag = False,
    video_backend: flags.VideoBackendFlag = "pyav",
    depth: flags.DepthFlag = None,
    depth_scale: flags.DepthScaleFlag = None,
    depth_model: flags.DepthModelFlag = None,
    geometry: flags.GeometryFlag = None,
    no_depth: flags.NoDepthFlag = False,
    intrinsics: flags.IntrinsicsFlag = None,
    fov: flags.FovFlag = None,
    model: Annotated[Path, typer.Option(help="checkpoint: a shipped name, a folder, or a name on the Hub")] = SHIPPED,
    device: flags.PlacementFlag = None,
    dtype: flags.DtypeFlag = None,
    bits: flags.BitsFlag = None,
    picture: Annotated[Path, typer.Option(help="where to draw the regions, question and answer")] = Path(
        "outputs/ask.png"
    ),
    card: Annotated[
        Path | None,
        typer.Option("-o", "--card", help="new .html file: frames, points, question, answer, provenance, all inside"),
    ] = None,
    max_new_tokens: Annotated[
        int | None, typer.Option(min=1, help="longest answer in tokens (default: the checkpoint's, else 512)")
    ] = None,
    chat: Annotated[
        bool, typer.Option("--chat", help="answer further questions from standard input, one a line, until it ends")
    ] = False,
    as_json: flags.JsonFlag = False,
) -> None:
    """Ask about regions of a video, a picture or an RGB-D folder; print the answer and draw an annotated picture.

    Of a video, as many frames are sampled as the checkpoint was trained with, else 4, unless --frames or --frame says
    otherwise. Footage without depth gets it from --depth-model, by default Depth Anything V2 (metric, indoor), and is
    then asked about one frame; --geometry estimates camera poses as well, which join all frames. --no-depth asks about
    the colours alone. With --chat the clip is read once for all questions; each is answered on its own. -o writes a
    card to send: one HTML file that asks no host, with every question and answer, and points to turn (extra app).

    Example:

    region4d worlds --export --seed 2 --count 1 --frames 4 --output rooms

    region4d ask rooms/world-2 --region 0:161,127,187,180 --region 1:184,39,219,92
    "How far is <region0> from <region1> at the start?"
    """
    flags.refuse_missing(source)
    from models.queries.query import Query
    from models.regions import follow
    from models.sr3d.answering import Answerer, open_processor
    from region4d.cards.conversation import ConversationCard, check_card
    from region4d.footage import FrameChoice, GeometrySource, check_mentions, open_footage, parse_pointers, saved_masks
    from region4d.footage.notes import footage_notes
    from region4d.footage.scale import scale_name, state_scale
    from region4d.footage.visibility import region_facts, visibility_notes
    from region4d.questions import check_words, footage_domain, untrained_notes
    from region4d.terminal import quiet_transformers
    from scenes.drawing.regions import check_picture, draw_answer, save_picture
    from scenes.storage.destinations import refuse_unwritable

    quiet_transformers()
    if question is None and not chat:
        raise ValueError("give a QUESTION, or --chat to ask from standard input")
    check_picture(picture)
    if save_masks is not None:
        refuse_unwritable(save_masks)
    if card is not None:
        check_card(card)
    pointers = parse_pointers(region or [], point or [], mask or [], click or [], text or [])
    on = flags.torch_device(device)
    origin = GeometrySource(depth, depth_scale, depth_model, no_depth, intrinsics, fov, geometry, on)
    if no_depth and origin.has_camera:
        raise ValueError("--no-depth asks without geometry, so --intrinsics and --fov have no effect; leave them out")
    if question is not None:
        check_mentions(question, pointers, all_mentioned=not chat)
    if frames is None and frame is None:
        frames = open_processor(model).video_frames or FRAMES
    choice = FrameChoice(frames, frame, partial, video_backend)
    footage = open_footage(source, choice, pointers, origin, default_depth_model=DEPTH_MODEL, segmenter=segmenter)
    clip, regions = footage.clip, footage.regions
    seen = region_facts(footage, regions)
    if no_depth:
        clip = replace(clip, intrinsics=None, world_T_cam=None)
    answerer = Answerer.from_folder(model, device or str(on), dtype, bits)
    relative = footage.relative and not answerer.guesses_scale
    said = [*footage_notes(footage, relative), *visibility_notes(seen, len(clip))]
    said += footage_domain(answerer.processor, clip)
    if question is not None:
        check_words(answerer.processor, question)
    for note in said:
        typer.echo(note, err=True)
    if answerer.processor.follow:
        regions = follow(clip.video, regions)
    if save_masks is not None:
        saved_masks.save_masks(save_masks, clip, [each.masks for each in regions])
    conversation = None
    if card is not None:
        call, has = shlex.join(["region4d", *sys.argv[1:]]), answerer.reads_depth
        conversation = ConversationCard(card, source.name, model, clip, regions, footage.depth, has, said, call)

    def reply(question: str) -> None:
        about_it = untrained_notes(answerer.processor, question)
        for note in about_it:
            typer.echo(note, err=True)
        start = time.perf_counter()
        query, follows = Query(clip, regions, question), sys.stdout.isatty() and not as_json
        shown = ""
        for text in answerer.stream(query, max_new_tokens):
            answer = state_scale(text, not relative)
            if follows and not relative:  # the unit of a relative length is known only at its end
                typer.echo(answer[len(shown) :], nl=False)
                shown = answer
        seconds = time.perf_counter() - start
        if not answer.strip():
            typer.echo("the answer is empty: the model ended it at its first word", err=True)

        def draw() -> None:
            save_picture(draw_answer(clip, regions, question, answer), picture)
            if conversation is not None:
                conversation.add(question, answer, seconds, about_it)

        written = {} if card is None else {"card": str(card)}
        if as_json:
            facts = {
                "answer": answer,
                "scale": scale_name(footage.depth, footage.clip.metric),
                "depth": footage.depth,
                "frames": len(clip),
                "regions": seen,
                "notes": [*said, *about_it],
            }
            try:
                draw()
            finally:  # whoever reads the line finds the picture; where that fails, the answer is not lost
                typer.echo(json.dumps({**facts, "seconds": round(seconds, 3), "picture": str(picture), **written}))
        else:
            typer.echo(answer[len(shown) :])
            sys.stdout.flush()
            draw()
            files = "; ".join(f"{kind}: {file}" for kind, file in {"picture": str(picture), **written}.items())
            typer.echo(f"({seconds:.2f} s; {files})", err=True)

    if question is not None:
        reply(question)
    for further in typed_questions() if chat else ():
        try:
            check_mentions(further, pointers, all_mentioned=False)
            check_words(answerer.processor, further)
            reply(further)
        except ValueError as error:
            typer.echo(f"region4d: {error}", err=True)


def typed_questions() -> Iterator[str]:
    """Read questions, one a line, until the input ends; a terminal is shown a prompt, and an empty line ends it."""
    terminal = sys.stdin.isatty()
    while True:
        if terminal:
            typer.echo("> ", err=True, nl=False)
        line = sys.stdin.readline()
        if not line or (terminal and not line.strip()):
            return
        if line.strip():
            yield line.strip()
