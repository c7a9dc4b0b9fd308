"""`region4d prefer`: people choose among candidates of a lifting model, which learns from it, round after round."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from region4d import flags
from region4d.verbs.lift import SHIPPED


def prefer(
    pictures: Annotated[
        Path,
        typer.Argument(help="folder of pictures or RGB-D folders NAME, with masks/NAME/ of their objects"),
    ],
    training: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="settings of `region4d train experiment=lifting/preference`"),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="of choosing and training; more later go on from these")] = 1,
    choose: Annotated[int, typer.Option(min=2, help="candidates of each object")] = 6,
    model: Annotated[Path, typer.Option(help="lifting model to start from: a shipped name or a folder")] = SHIPPED,
    fov: flags.FovFlag = None,
    seed: Annotated[int, typer.Option(min=0, help="of the candidates")] = 0,
    device: flags.DeviceFlag = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="folder; by default outputs/prefer/NAME")
    ] = None,
) -> None:
    """Choose the best of several lifts of each object, train on the choices, and go on with the new model.

    Asks for every object that has no choice yet, from the terminal or from standard input, one number a line (0: none
    is good). When all are chosen, it trains, and the next round shows candidates of the new model. Each round is a
    folder round-N with choices/ and training/model/. The same command continues where it stopped.

    Example: region4d prefer pictures --rounds 3 --choose 6
    """
    flags.refuse_missing(pictures)
    from region4d.lifting.rounds.loop import run_rounds
    from region4d.lifting.rounds.pictures import marked_objects
    from region4d.lifting.rounds.round import rounds_of
    from region4d.terminal import CONSOLE, quiet_transformers
    from scenes.storage.locks import sole_writer

    quiet_transformers()
    objects = marked_objects(pictures)
    output = output or Path("outputs/prefer") / pictures.resolve().name
    every = rounds_of(output, rounds, model, training or [])
    with sole_writer(output):
        run_rounds(every, objects, train, choose=choose, seed=seed, fov_deg=fov, device=flags.torch_device(device))
    CONSOLE.print(f"{rounds} of {rounds} rounds are finished; the model: {every[-1].model}", soft_wrap=True)


def train(overrides: Sequence[str]) -> None:
    """Train as `region4d train` does, in this process."""
    from region4d.configuration.compose import compose_config
    from region4d.verbs.experiments.train import run

    run(compose_config("train", overrides), overrides)
