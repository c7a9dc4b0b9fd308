"""The loop: choose for every object without a choice, train on all choices, and go on with the new model."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import zip_longest

import torch
import typer
from rich import get_console

from models.lifting.checkpoint import load_model
from region4d.lifting.rounds.pictures import MarkedObject
from region4d.lifting.rounds.round import Round
from region4d.lifting.run import Drawn, draw, write_drawn
from region4d.terminal import CONSOLE

Train = Callable[[Sequence[str]], None]  # of overrides of `region4d train`
Counted = Callable[[int, int], None]  # as `lift_counted` has it


def run_rounds(
    rounds: Sequence[Round],
    objects: Sequence[MarkedObject],
    train: Train,
    *,
    choose: int,
    seed: int,
    fov_deg: float | None,
    device: torch.device,
) -> None:
    """Run what is unfinished of the rounds.

    Raises:
        ValueError: an object cannot be lifted, the answers end, or a round has nothing to learn from.
    """
    for each in rounds:
        each.made()  # also of a finished round: refuses choices among candidates of another model
        if not each.finished:
            choose_all(each, objects, choose, seed, fov_deg, device)
            CONSOLE.print(each.summary())
            train(each.overrides)


def choose_all(
    each: Round, objects: Sequence[MarkedObject], choose: int, seed: int, fov_deg: float | None, device: torch.device
) -> None:
    """Ask for the choice of every object that has none; a choice is written as it is made."""
    waiting = each.waiting(objects)
    if not waiting:
        return
    networks, options, said = load_model(each.start).to(device), each.options(choose, seed), set[str]()

    def draw_one(obj: MarkedObject, counted: Counted) -> Drawn:
        with naming(obj):
            return draw(networks, obj.read(fov_deg), options, counted)

    with closing(drawn_ahead(waiting, draw_one)) as drawn:
        for number, (obj, candidates) in enumerate(drawn, len(objects) - len(waiting) + 1):
            CONSOLE.print(f"round {each.number}, object {number} of {len(objects)}: {obj.name}", markup=False)
            with naming(obj):
                lifted = write_drawn(each.choices / obj.name, each.start, candidates, options)
            for note in (note for note in lifted.notes if note not in said):
                typer.echo(note, err=True)
            said.update(lifted.notes)


def drawn_ahead(
    objects: Sequence[MarkedObject], draw_one: Callable[[MarkedObject, Counted], Drawn]
) -> Generator[tuple[MarkedObject, Drawn], None, None]:
    """Draw the candidates of each object while a person looks at those of the one before."""
    stopped = threading.Event()

    def counted(called: int, total: int) -> None:
        if stopped.is_set():
            raise InterruptedError("nobody waits for these candidates")

    with ThreadPoolExecutor(1) as pool:
        try:
            ahead = pool.submit(draw_one, objects[0], counted)
            for obj, after in zip_longest(objects, objects[1:]):
                with get_console().status(f"drawing candidates of {obj.name}"):
                    candidates = ahead.result()
                if after is not None:
                    ahead = pool.submit(draw_one, after, counted)
                yield obj, candidates
        finally:
            stopped.set()


@contextmanager
def naming(obj: MarkedObject) -> Iterator[None]:
    """Name the object at which the answers ended, or which cannot be lifted."""
    try:
        yield
    except typer.Abort:
        raise ValueError(f"no answer was given for {obj.name}; the same command continues there") from None
    except ValueError as error:
        raise ValueError(f"{obj.name}: {error}") from error
