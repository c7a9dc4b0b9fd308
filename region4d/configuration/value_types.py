"""The values of a configuration against the types that they need: a wrong one is one line, before anything runs."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, ListConfig, OmegaConf

from region4d.layout import in_this_layout

LARGEST = 2**63  # no setting is larger, and torch takes no larger integer
MANY: dict[Any, str] = {int: "integers", float: "numbers", int | float: "numbers", str: "texts"}
TARGET = "_target_"
SETTINGS: dict[str, Any] = {  # of configs/*.yaml, which no annotation describes
    **dict.fromkeys(("seed", "batch_size", "shard.index", "shard.count"), int),
    "workers": int | str,  # "auto"
    **dict.fromkeys(("limit", "max_new_tokens", "model.bits"), int | None),
    **dict.fromkeys(("label", "pointing", "device", "model.device", "model.dtype"), str | None),
    **dict.fromkeys(("output", "runs", "model.folder", "name"), str),
    "follow": bool | None,
}
OF_STUDIES = {"workers": int}  # jobs side by side, and not processes of one job
WORDS: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    str: "text (a number in quotes, '\"3\"')",
    bool: "true or false",
    Path: "a path",
    type(None): "null",
}


def check_types(node: Any) -> None:
    """Check the values of all classes and functions that a configuration names.

    Raises:
        ValueError: a value has another type than its parameter is annotated with; names the key and what it needs.
    """
    if isinstance(node, ListConfig):
        for child in node:
            check_types(child)
    if not isinstance(node, DictConfig):
        return
    hints = hints_of(node)
    for key in node:
        if OmegaConf.is_missing(node, key):
            continue  # has an error of its own
        value = node[key]
        made = isinstance(value, DictConfig) and TARGET in value  # an object, of whatever class its target gives
        if str(key) in hints and not made and not accepts(hints[str(key)], value):
            refuse(node._get_full_key(key), value, hints[str(key)])
        check_types(value)


def check_settings(config: DictConfig) -> None:
    """Check the settings of the verbs themselves, wherever they are in a configuration; raises as `check_types`."""
    for key, hint in (SETTINGS | (OF_STUDIES if "study" in config else {})).items():
        value = OmegaConf.select(config, key, throw_on_missing=False)
        holder = OmegaConf.select(config, key.rpartition(".")[0]) if "." in key else config
        name = key.rpartition(".")[2]
        if holder is None or name not in holder or OmegaConf.is_missing(holder, name):
            continue
        if not accepts(hint, value):
            refuse(key, value, hint)


def refuse(key: str, value: Any, hint: Any) -> None:
    """Raise ValueError for a value of another type."""
    raise ValueError(f"{key} needs {described(hint)}, got {str(value)[:40]}")


def hints_of(node: DictConfig) -> Mapping[str, Any]:
    """The annotations of the parameters of a node's target; none where it has no target, or none can be read."""
    if OmegaConf.is_missing(node, TARGET) or TARGET not in node:
        return {}
    target: Callable[..., Any] = get_object(str(in_this_layout(OmegaConf.create({TARGET: node[TARGET]}))[TARGET]))
    makers = [base.__init__ for base in target.__mro__] if isinstance(target, type) else [target]  # type: ignore[misc]
    hints: dict[str, Any] = {}
    for maker in makers:  # a constructor that hands `**fields` on takes what the next one takes
        try:
            found, parameters = typing.get_type_hints(maker), inspect.signature(maker).parameters.values()
        except (NameError, TypeError, AttributeError, ValueError):  # names that only a type checker imports
            return hints
        handed_on = {each.name for each in parameters if each.kind is each.VAR_KEYWORD}
        hints = {name: hint for name, hint in found.items() if name not in handed_on} | hints
        if not handed_on:
            return hints
    return hints


def accepts(hint: Any, value: Any) -> bool:
    """Whether a plain value fits an annotation; what is not plain is left to the target."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(accepts(argument, value) for argument in arguments)
    if origin is typing.Annotated:
        return accepts(arguments[0], value)
    if value is None:
        return hint in (None, type(None), Any, object) or not (hint in WORDS or origin in (list, tuple, Sequence))
    if hint in (int, float):
        kinds = (int, float) if hint is float else int
        return isinstance(value, kinds) and not isinstance(value, bool) and abs(value) < LARGEST  # false for NaN
    if hint is bool or hint is str:
        return isinstance(value, hint)
    if hint is type(None):
        return False
    if isinstance(hint, type) and issubclass(hint, Path):
        return isinstance(value, str)
    if origin in (list, tuple, Sequence):
        items = {argument for argument in arguments if argument is not Ellipsis}
        each = items.pop() if len(items) == 1 else Any
        return isinstance(value, ListConfig) and all(accepts(each, item) for item in value)
    if origin in (dict, Mapping):
        return isinstance(value, DictConfig)
    return True


def described(hint: Any) -> str:
    """Put an annotation into words."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(described(argument) for argument in arguments))
    if origin in (list, tuple, Sequence):
        return f"a list of {MANY.get(arguments[0], 'values')}"
    if origin in (dict, Mapping):
        return "an object, {...}"
    return WORDS.get(hint, "a " + getattr(hint, "__name__", str(hint)))
