"""`region4d regionize`: region-level questions of questions about videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from region4d.flags import DeviceFlag, torch_device


def regionize(
    questions: Annotated[Path | None, typer.Argument(help="JSON list or JSON lines: video, question, answer")] = None,
    videos: Annotated[Path | None, typer.Argument(help="folder that the videos of the questions are in")] = None,
    detector: Annotated[
        str | None, typer.Option(help="Grounding DINO, OWLv2, ... of transformers: a folder or a downloaded name")
    ] = None,
    tracker: Annotated[
        str | None, typer.Option(help="SAM 2 or SAM 3 of transformers, or 'colour' (default): no network")
    ] = None,
    phrases: Annotated[
        str | None,
        typer.Option(help="'rule' (default), or a language model of transformers that lists what a question names"),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="lowest score of what is found (default 0.25)")
    ] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="frames that are read of a video (default 16)")] = None,
    worlds: Annotated[
        int | None,
        typer.Option(min=1, help="procedural worlds in place of QUESTIONS and VIDEOS: how many regions are right?"),
    ] = None,
    review: Annotated[
        list[Path] | None, typer.Option(help="decisions.json of a review page, applied to --output; one for each page")
    ] = None,
    device: DeviceFlag = "cpu",
    output: Annotated[Path, typer.Option("-o", "--output", help="folder of the items; continued after a stop")] = Path(
        "outputs/regionize"
    ),
) -> None:
    """Turn questions about videos into questions about regions: find what a question names, segment and follow it.

    Writes every item with boxes, masks, scores and what was dropped (items.jsonl), a page for review (review.html,
    which works from the file), lines of training data (annotations.jsonl) and R4D-Bench's layout (r4d_bench/). With
    --review the decisions of that page are applied, into OUTPUT/reviewed. With --worlds, questions name objects of
    procedural worlds, and the share of right regions is printed; --detector oracle then knows the objects, which tests
    everything but a detector.

    Example: region4d regionize --worlds 20 --detector oracle -o outputs/regionize
    """
    from region4d.regionizing.command import Settings, run, run_review, run_worlds
    from region4d.terminal import quiet_transformers
    from scenes.storage.locks import sole_writer

    quiet_transformers()
    if review:
        others = (questions, videos, worlds, detector, tracker, phrases, threshold, frames)
        if any(given is not None for given in others):
            raise ValueError("--review takes --output and --device alone: all else is that of the run in --output")
        with sole_writer(output):
            return run_review(review, output, torch_device(device))
    if detector is None:
        raise ValueError(
            "give --detector, for example after 'hf download IDEA-Research/grounding-dino-tiny', or --worlds with "
            "--detector oracle"
        )
    settings = Settings(
        detector,
        tracker="colour" if tracker is None else tracker,
        phrases="rule" if phrases is None else phrases,
        threshold=0.25 if threshold is None else threshold,
        frames=16 if frames is None else frames,
    )
    if worlds is not None:
        if questions or videos:
            raise ValueError("--worlds makes its own questions and videos; leave QUESTIONS and VIDEOS out")
        with sole_writer(output):
            return run_worlds(worlds, settings, output, torch_device(device))
    if questions is None or videos is None:
        raise ValueError("give QUESTIONS and VIDEOS, or --worlds N")
    if not videos.is_dir():
        raise FileNotFoundError(f"no folder of videos '{videos}'")
    with sole_writer(output):
        return run(questions, videos, settings, output, torch_device(device))
