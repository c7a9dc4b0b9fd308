"""Loggers beside the CSV file, which is always written: TensorBoard, Weights & Biases, Trackio."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities.rank_zero import rank_zero_only


def with_csv(other: Logger, **csv: Any) -> list[Logger]:
    """Log to the CSV file, whose arguments are those of Lightning's `CSVLogger`, and to another logger."""
    return [CSVLogger(**csv), other]


def tensorboard(save_dir: str) -> Logger:
    """Log to event files in `save_dir`.

    Raises:
        ImportError: tensorboard is not installed.
    """
    _require("tensorboard")
    return TensorBoardLogger(save_dir, name="", version="")


def wandb(project: str, name: str, save_dir: str, offline: bool = False) -> Logger:
    """Log to Weights & Biases; `offline` keeps the run in `save_dir`, for `wandb sync`.

    Raises:
        ImportError: wandb is not installed.
    """
    _require("wandb")
    Path(save_dir).mkdir(parents=True, exist_ok=True)  # else wandb takes another folder
    return WandbLogger(name=name, project=project, save_dir=save_dir, offline=offline)


class TrackioLogger(Logger):
    """Logs to Trackio: on this machine, which `trackio show` shows, or to a Space that TRACKIO_SPACE_ID names.

    A training that is continued goes on in the run of the same name.

    Raises:
        ImportError: trackio is not installed.
    """

    def __init__(self, project: str, name: str) -> None:
        super().__init__()
        _require("trackio")
        self._project, self._name = project, name
        self._run: Any = None

    @property
    def name(self) -> str:
        """Name of the project."""
        return self._project

    @property
    def version(self) -> str:
        """Name of the run."""
        return self._name

    @property
    def experiment(self) -> Any:
        """The run, which begins with the first metric."""
        if self._run is None:
            self._run = import_module("trackio").init(self._project, self._name, resume="allow", embed=False)
        return self._run

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Log nothing: `config.yaml` in the folder of the training has them."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log the metrics of a step."""
        if self._writes:
            self.experiment.log(dict(metrics), step=step)

    @property
    def _writes(self) -> bool:
        """Whether this process is the one of several that logs."""
        return getattr(rank_zero_only, "rank", 0) == 0

    def finalize(self, status: str) -> None:
        """Send what is left, and end the run."""
        if self._run is not None:
            self._run.finish()
            self._run = None


def _require(package: str) -> None:
    if find_spec(package) is None:
        raise ImportError(f"logger={package} needs {package}: pip install 'region4d[{package}]'")
