"""Trainings that are stopped."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning import Callback, LightningModule, Trainer

from training.checkpoints import LAST


@contextmanager
def default_sigterm() -> Iterator[None]:
    """Give SIGTERM its default handler for a while."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class StopAfterStep(Callback):
    """Ends a training after the optimizer step in which it is stopped, and keeps a checkpoint of that step.

    Ctrl-C and SIGTERM stop it; a second Ctrl-C ends it at once. Several processes learn of a signal in different steps,
    so a training of several continues from the last of its regular checkpoints.
    """

    def __init__(self) -> None:
        self.running, self.interrupted, self.step = False, False, 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to defer Ctrl-C, in a training of one process."""
        self.running, self.step = trainer.world_size == 1, trainer.global_step

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save and end, once the step is taken for which batches were accumulated."""
        stepped, self.step = trainer.global_step > self.step, trainer.global_step
        if not (self.running and stepped and (self.interrupted or trainer.received_sigterm)):
            return
        folder = getattr(trainer.checkpoint_callback, "dirpath", None)
        if folder is not None:
            trainer.save_checkpoint(Path(folder) / LAST)
        if self.interrupted:
            raise KeyboardInterrupt

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let Ctrl-C end at once again."""
        self.running = False

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """Handle Ctrl-C in the main thread; a process that ignores it, such as one behind `nohup`, goes on to."""
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _interrupt(self, *_: Any) -> None:
        if self.interrupted or not self.running:
            raise KeyboardInterrupt
        self.interrupted = True
        print("region4d: stopping after this step; Ctrl-C again stops at once", file=sys.stderr, flush=True)
