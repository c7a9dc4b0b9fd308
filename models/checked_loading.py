"""Loading checkpoints that may be damaged: each fault is one line that names the file, before memory is taken."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)

LONGEST = 300  # characters of what a library says
SPARE_TENSORS, SPARE_VALUES = 1000, 2**26  # of parts that a training adds, and of fixed tables
ADVICE = "get config and weights of one model"


@contextmanager
def naming_damage(source: str | Path, advice: str = ADVICE) -> Iterator[None]:
    """Turn whatever a library raises over the content of a checkpoint into one line that names the `source`.

    Raises:
        OSError: As raised inside, on one line.
        ValueError: Anything else was raised.
    """
    try:
        yield
    except ImportError:
        raise
    except Exception as error:  # libraries of six languages read these files, each with exceptions of its own
        said = " ".join(str(error).split())[:LONGEST]
        if isinstance(error, ValueError | OSError) and str(source) in str(error):
            if "\n" not in str(error):
                raise
            raise _family(error)(said) from None
        said = said if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {said}"
        raise _family(error)(f"{source} is damaged, or not what is expected here ({said}): {advice}") from None


def _family(error: Exception) -> type[Exception]:
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError
    return OSError if isinstance(error, OSError) else ValueError


def stored_shapes(files: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    """Read the shape of every tensor in files of weights, without their values.

    Raises:
        ValueError: A file is cut or damaged.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for path in files:
        try:
            with safe_open(path, "pt") as file:
                shapes |= {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OverflowError, MemoryError) as error:
            raise ValueError(f"{path} is cut or damaged ({error}): get the file again") from None
    return shapes


def read_weights(files: Iterable[Path]) -> dict[str, Tensor]:
    """Read tensors, mapped into memory.

    Raises:
        ValueError: A file is cut or damaged, or a value is not finite.
    """
    weights: dict[str, Tensor] = {}
    for path in files:
        try:
            found = load_file(path)
        except (SafetensorError, OverflowError, MemoryError, AttributeError, KeyError) as error:
            raise ValueError(f"{path} is cut or damaged ({error}): get the file again") from None
        refuse_non_finite(found, path)
        weights |= found
    return weights


def refuse_non_finite(weights: Mapping[str, Tensor], source: str | Path) -> None:
    """Raise ValueError where a value is NaN or infinite: the model would answer, and the answer mean nothing."""
    for name, tensor in weights.items():
        if tensor.is_meta or not tensor.numel():  # those of `device_map` on the disk
            continue
        if tensor.is_floating_point() and tensor.itemsize > 1:  # torch finds no range of float8
            low, high = tensor.aminmax()  # one pass without a copy; NaN goes through
            if not bool(low.isfinite() & high.isfinite()):
                raise ValueError(f"{source} has values in {name} that are not finite: get the weights again")


def refuse_other_weights(
    model: nn.Module, shapes: Mapping[str, tuple[int, ...]], source: str | Path, optional: Iterable[str] = ()
) -> None:
    """Raise ValueError where files lack a weight of a model, have one that it has not, or one of another shape."""
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    for problem, names in (
        ("lacks", own.keys() - shapes.keys() - set(optional)),
        ("has unknown", shapes.keys() - own.keys()),
        ("has otherwise shaped", {name for name in own.keys() & shapes.keys() if own[name] != shapes[name]}),
    ):
        if names:
            raise ValueError(f"{source} {problem} weights: {min(names)} and {len(names) - 1} more; {ADVICE}")


@contextmanager
def no_larger_than(files: Sequence[Path], config: Path) -> Iterator[None]:
    """Stop the building of networks on the meta device that have far more weights than files hold.

    A damaged size in a config would else take all memory, or not end. Only this thread is watched.

    Raises:
        ValueError: The config describes more than the files hold, or a file is cut or damaged.
    """
    shapes = stored_shapes(files)
    tensors, values = 2 * len(shapes) + SPARE_TENSORS, 4 * sum(map(prod, shapes.values())) + SPARE_VALUES
    counted = [0, 0]
    thread = threading.get_ident()

    def count(_module: nn.Module, name: str, tensor: Tensor | None) -> None:
        if tensor is None or not tensor.is_meta or threading.get_ident() != thread:
            return
        counted[0] += 1
        counted[1] += tensor.numel()
        if counted[0] > tensors or counted[1] > values:
            raise ValueError(f"{config} describes far more weights than its files hold (at {name}): {ADVICE}")

    hooks = [
        register(count)
        for register in (register_module_parameter_registration_hook, register_module_buffer_registration_hook)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
