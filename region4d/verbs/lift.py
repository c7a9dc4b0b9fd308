"""`region4d lift`: masked objects out of a picture, as meshes with their pose."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from torch import nn

    from models.lifting import LiftedObject, LiftingModel, Sampling
    from region4d.lifting.input import LiftInput

SHIPPED = Path("lift_tiny")  # a name of the checkpoint registry
STEPS, SHORTCUT_STEPS = 25, 4
SAMPLES = 8  # of which the best is kept, where points say which that is
GUIDANCE = 4.0  # of 0, .5, 1, 2 and 4 the best solid IoU on 256 validation objects, before distillation; by little


def lift(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="image, RGB-D folder, folder of images or video")],
    mask: Annotated[list[str] | None, typer.Option(help="mask picture of an object; repeatable")] = None,
    box: Annotated[list[str] | None, typer.Option(help="box in pixels, x0,y0,x1,y1; repeatable, after masks")] = None,
    frame: Annotated[int, typer.Option(min=0, help="frame of a folder or video, from 0")] = 0,
    depth: Annotated[Path | None, typer.Option(help="16-bit picture, or .npy in metres, registered to INPUT")] = None,
    depth_scale: Annotated[float | None, typer.Option(min=1e-9, help="units of the depth in one metre")] = None,
    depth_model: Annotated[str | None, typer.Option(help="Depth Anything V2 folder or name, to estimate depth")] = None,
    no_depth: Annotated[bool, typer.Option("--no-depth", help="leave the depth of an RGB-D folder out")] = False,
    intrinsics: Annotated[str | None, typer.Option(help="fx,fy,cx,cy in pixels, or a pinhole JSON of Open3D")] = None,
    fov: Annotated[float | None, typer.Option(min=1, max=179, help="horizontal field of view, degrees")] = None,
    model: Annotated[Path, typer.Option(help="lifting model: a shipped name or a folder")] = SHIPPED,
    seed: Annotated[int, typer.Option(min=0, help="of the noise; the same seed gives the same object")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="of the sampler; 25, or 4 shortcut ones")] = None,
    guidance: Annotated[
        float | None, typer.Option(min=0, help="away from no condition, without shortcut; 4, and SAM 3D takes 7")
    ] = None,
    shortcut: Annotated[
        bool | None,
        typer.Option(help="few large jumps; by default by a model distilled so, without --steps and --guidance"),
    ] = None,
    fit: Annotated[
        Literal["shape", "pose", "none"] | None,
        typer.Option(help="what follows the visible points: shape and pose (default with depth), the pose, nothing"),
    ] = None,
    best_of: Annotated[
        int | None,
        typer.Option(min=1, help="with depth: sample N (8) of each object, keep what most agree on"),
    ] = None,
    choose: Annotated[int, typer.Option(min=0, help="sample N candidates of one object and ask for the best")] = 0,
    choice: Annotated[int | None, typer.Option(min=0, help="answer to --choose: 1 to N, 0 for none")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda; by default cuda where there is one")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="new folder; else outputs/lift/NAME")] = None,
) -> None:
    """Lift masked objects out of a picture: GLB, PLY, poses.json, a turntable, and the meshes over the photo.

    A box with depth marks what stands out in it from the room around it; without depth, all of its pixels.

    Example: region4d lift ../shared/data/redwood_rgbd --box 338,105,603,385 -o outputs/chair
    """
    from models.lifting import Guidance, Sampling
    from models.lifting.checkpoint import load_model
    from region4d.device import torch_device
    from region4d.lifting.candidates import check_choice, choose_candidate, record_choice
    from region4d.lifting.input import Camera, DepthSource, read_input
    from region4d.lifting.output import describe, to_terminal, write_lift, write_masks
    from region4d.terminal import CONSOLE, quiet_transformers
    from scenes.storage.atomic import new_folder, refuse_existing

    quiet_transformers()
    begin = time.perf_counter()
    output = output or Path("outputs/lift") / source.resolve().stem
    refuse_existing(output)
    check_choice(choose, choice, len(mask or []) + len(box or []), best_of or 1)
    if shortcut and guidance is not None:
        raise ValueError("--shortcut takes no --guidance, which was folded into its jumps: give one of them")
    sources = DepthSource(depth, depth_scale, depth_model, no_depth), Camera(intrinsics, fov)
    given = read_input(source, frame, mask or [], box or [], *sources)
    networks = load_model(model).to(torch_device(device))
    jumps = (networks.distilled and steps is None and guidance is None) if shortcut is None else shortcut
    weight = GUIDANCE if guidance is None else guidance
    sampling = Sampling(
        steps=steps or (SHORTCUT_STEPS if jumps else STEPS),
        guidance=Guidance(0.0 if jumps else weight, modalities=("shape",)),
        shortcut=jumps,
        fit=fit or ("none" if given.points is None else "shape"),
        best_of=best_of or (1 if choose or given.points is None else SAMPLES),
    )
    seeds = list(range(seed, seed + choose)) if choose else [seed] * len(given.masks)
    start = time.perf_counter()
    objects = lift_with_progress(networks, given, sampling, seeds)
    lifting = time.perf_counter() - start
    with new_folder(output) as folder:
        if choose:
            number = choose_candidate(folder, given, objects, seeds, choice, output)
            record_choice(folder, given, model, sampling, seeds, number)
            objects, seed = ([objects[number - 1]], seeds[number - 1]) if number else ([], seed)
        write_masks(folder, given.masks)
        facts = describe(given, objects, seed)
        if objects:
            with CONSOLE.status("drawing"):
                write_lift(folder, given, objects, facts, made_by(model, sampling, lifting))
        files = sorted(path.name for path in folder.iterdir())
    guessed = [f"note: {model} was not distilled for few steps: train experiment=lifting/shortcut, or leave --shortcut"]
    for note in [*given.notes, *(guessed if shortcut and not networks.distilled else [])]:
        typer.echo(note, err=True)
    if objects:
        CONSOLE.print(to_terminal(facts, given.points is not None))
    CONSOLE.print(f"{output}: {', '.join(files)}", soft_wrap=True)
    CONSOLE.print(f"{len(seeds)} lifted in {lifting:.1f} s; {time.perf_counter() - begin:.1f} s in all")


def made_by(model: Path, sampling: Sampling, seconds: float) -> dict[str, Any]:
    """Say what made a lift and how long it took."""
    from benchmarks.records.manifest import checkpoint_hash

    return {
        "model": str(model),
        "model_sha256": checkpoint_hash(model),
        "steps": sampling.steps,
        "guidance": sampling.guidance.weight,
        "shortcut": sampling.shortcut,
        "fit": sampling.fit,
        "best_of": sampling.best_of,
        "seconds": round(seconds, 3),
    }


def lift_with_progress(
    networks: LiftingModel, given: LiftInput, sampling: Sampling, seeds: Sequence[int]
) -> list[LiftedObject]:
    """Lift the objects, or candidates of one, in one batch, with a bar that counts calls of the networks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from models.lifting import lift_many
    from models.lifting.fitting.shape_fitting import ROUNDS
    from models.lifting.fitting.shape_fitting import STEPS as FITTING_STEPS
    from region4d.terminal import CONSOLE

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    flows: dict[nn.Module, int] = {
        networks.flow: sampling.steps + (ROUNDS * FITTING_STEPS if sampling.fit == "shape" else 0)
    }
    if networks.refinement is not None:
        flows[networks.refinement] = sampling.refinement_steps
    count = len(seeds)
    with Progress(*columns, console=CONSOLE, transient=True, disable=not CONSOLE.is_interactive) as progress:
        bar = progress.add_task(f"lifting {count}", total=sum(flows.values()))
        hooks = [flow.register_forward_hook(lambda *_: progress.advance(bar)) for flow in flows]
        try:
            return lift_many(
                [given.image] * count,
                list(given.masks) if len(given.masks) == count else list(given.masks) * count,
                [given.points] * count,
                model=networks,
                sampling=sampling,
                seeds=seeds,
            )
        finally:
            for hook in hooks:
                hook.remove()
