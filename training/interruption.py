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


class StopAfterStep(Callback):
    """Ends a training after the optimizer step in which it is stopped, and keeps a checkpoint of that step.

    Ctrl-C and SIGTERM stop it; a second Ctrl-C ends it at once. Several processes learn of a signal in different steps,
    so a training of several continues from the last of its regular checkpoints.
    """

    def __init__(self) -> None:
        self.fitting, self.running, self.interrupted, self.step = False, False, False, 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to defer SIGTERM and, in a training of one process, Ctrl-C."""
        self.fitting, self.running, self.step = True, trainer.world_size == 1, trainer.global_step

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
        """Let both end at once again."""
        self.fitting, self.running = False, False

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """Handle both in the main thread; a process that ignores Ctrl-C, such as one behind `nohup`, goes on to."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {signal.SIGTERM: signal.signal(signal.SIGTERM, self._terminate)}
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            before[signal.SIGINT] = signal.signal(signal.SIGINT, self._interrupt)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _terminate(self, number: int, _: Any) -> None:
        if not self.fitting:  # else Lightning notes it, and its handler calls this one
            raise SystemExit(128 + number)

    def _interrupt(self, *_: Any) -> None:
        if self.interrupted or not self.running:
            raise KeyboardInterrupt
        self.interrupted = True
        print("region4d: stopping after this step; Ctrl-C again stops at once", file=sys.stderr, flush=True)
