"""Networks of transformers from checkpoints on this machine, whole: none answers from random weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError
from safetensors import SafetensorError
from transformers.utils import logging

from models.checked_loading import refuse_non_finite
from models.checkpoint_files import NO_CODE


class IncompleteCheckpointError(ValueError):
    """Weights of a checkpoint are missing, have another shape, or cannot be read."""


@contextmanager
def without_load_report() -> Iterator[None]:
    """Keep transformers from listing weights that do not fit, and going on: the caller refuses them in one line."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def local_folder(checkpoint: str | Path) -> Path:
    """Find the folder of a checkpoint: itself, or where a downloaded name lies in the cache of the Hub.

    With peft installed, transformers asks the Hub for adapters of a name, whatever it is told; of a folder it does not.

    Raises:
        FileNotFoundError: it is not on this machine.
    """
    if Path(checkpoint).is_dir():
        return Path(checkpoint)
    try:
        return Path(snapshot_download(str(checkpoint), local_files_only=True))
    except (OSError, HFValidationError) as error:
        raise FileNotFoundError(f"'{checkpoint}' is neither a folder nor a model that was downloaded") from error


def load_pretrained(kind: Any, checkpoint: str | Path, unused: Sequence[str] = (), **options: Any) -> Any:
    """Load a network by `kind.from_pretrained`, in evaluation mode. Nothing is downloaded, and nothing is printed.

    Args:
        kind: a model class of transformers, or an Auto class.
        checkpoint: a folder, or a name that has been downloaded.
        unused: beginnings of the names of weights that may be missing, because no output depends on them.
        options: of `from_pretrained`.

    Raises:
        OSError: the checkpoint is not on this machine, or lacks a file.
        IncompleteCheckpointError: weights are missing, have another shape than the config says, or are damaged.
        ValueError: `kind` does not know the model.
    """
    options = {"local_files_only": True, "use_safetensors": True, **NO_CODE, **options}
    folder = local_folder(checkpoint)
    try:
        with without_load_report():
            network, report = kind.from_pretrained(
                folder, output_loading_info=True, ignore_mismatched_sizes=True, **options
            )
    except SafetensorError as error:
        raise IncompleteCheckpointError(
            f"'{checkpoint}' has a file of weights that is cut or damaged: get it again"
        ) from error
    name = type(network).__name__
    missing = sorted(key for key in report["missing_keys"] if not key.startswith(tuple(unused)))
    other = sorted(key for key, *_ in report["mismatched_keys"])
    if missing:
        raise IncompleteCheckpointError(
            f"'{checkpoint}' lacks {len(missing)} weights of {name}, such as {missing[0]}: get the whole checkpoint"
        )
    if other:
        raise IncompleteCheckpointError(
            f"'{checkpoint}' has {len(other)} weights of {name} in another shape than its config says, such as "
            f"{other[0]}: get config and weights of one model"
        )
    refuse_non_finite(network.state_dict(), checkpoint)
    return network.eval()
