"""Work on shares, which worker processes import."""

import os
import signal
import time
from pathlib import Path

from region4d.workers import VISIBLE, Tell
from scenes.storage.locks import locked


class StubbornError(ValueError):
    """An error that cannot be unpickled."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def square(share: int, tell: Tell) -> tuple[int, str | None, signal.Handlers]:
    """Tell the number, and return its square, the GPU that is seen, and what Ctrl-C does."""
    tell(share)
    return share**2, os.environ.get(VISIBLE), signal.getsignal(signal.SIGINT)  # type: ignore[return-value]


def work_or_hold(share: tuple[str, Path], tell: Tell) -> None:
    """Fail, die, or hold a lock for long, deaf to SIGTERM or not; the others do so once it is held."""
    way, folder = share
    if way == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if way in ("hold", "deaf"):
        with locked(folder / "held.lock"):
            (folder / "holds").touch()
            time.sleep(120)
    while not (folder / "holds").exists():
        time.sleep(0.02)
    if way == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if way == "stubborn":
        raise StubbornError("this", "that")
    raise ValueError(f"{way} is wrong")
