"""Composing the Hydra configuration of a verb, with one clear line for a wrong key."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from models.attention import packed_attention
from models.resources import import_from_here, resource_folder
from region4d.configuration.folders import config_dirs
from region4d.configuration.value_types import check_settings, check_types
from region4d.layout import in_this_layout

CONFIGS = resource_folder("configs")
COMMANDS = {"lift": "study lift/NAME"}  # of configurations that are not named as their verb


def compose_config(verb: str, overrides: Sequence[str]) -> DictConfig:
    """Compose `configs/<verb>.yaml` with overrides.

    Raises:
        ValueError: in one line, for a key, group or option that does not exist (with near matches) or a bad value; and
            for a training with an attention backend that cannot train.
    """
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        try:
            config: DictConfig = compose(verb, [*overrides, *search_words()])
            OmegaConf.resolve(config)  # finds a wrong interpolation before the run starts
        except (HydraException, OmegaConfBaseException) as error:
            raise ValueError(_explain(verb, overrides, error)) from error
    check_settings(config)
    attention = OmegaConf.select(config, "model.attention")
    if verb == "train" and attention is not None:
        packed_attention(attention)  # before weights are read, and before the first run of a sweep
    return config


def search_words() -> list[str]:
    """Write the override that has Hydra search the folders of `--config-dir` after our own."""
    folders = config_dirs()
    return [f"hydra.searchpath=[{','.join(f'file://{folder}' for folder in folders)}]"] if folders else []


def override(key: str, text: str) -> str:
    """Write an override whose value is a text, such as a path, whatever it contains."""
    quoted = text.replace("'", "\\'")
    return f"{key}='{quoted}'"


def build(node: DictConfig, **built: Any) -> Any:
    """Instantiate a node; raise what its constructor says of a wrong input, without Hydra's wrapping.

    `built` are arguments that exist already, in place of what the node says of them.

    Raises:
        ValueError: also, for a key that has no value and needs one.
    """
    if config_dirs():
        import_from_here()  # whoever brings configurations brings classes too
    try:
        check_types(node)
        if not built:
            return instantiate(in_this_layout(node))
        fields = OmegaConf.to_container(node, resolve=True)
        assert isinstance(fields, dict)
        rest = {key: value for key, value in fields.items() if key not in built}
        return instantiate(in_this_layout(OmegaConf.create({**rest, "_partial_": True})))(**built)
    except MissingMandatoryValue as error:
        name = str(error.full_key).rpartition(".")[2]  # a key that others copy is the shortest of its name
        key = min((each for each in OmegaConf.missing_keys(node._get_root()) if each.endswith(name)), key=len)
        raise ValueError(f"{key} has no value; give one, as {key}=...") from error
    except InstantiationException as error:
        cause = error.__cause__
        while isinstance(cause, InstantiationException):  # of a node inside the node
            cause = cause.__cause__
        if isinstance(cause, (ValueError, OSError, ImportError)):
            raise cause from error
        raise


def refuse_other_config(folder: Path, config: DictConfig) -> None:
    """Refuse to continue in the folder of a run with another configuration; the folder itself may have moved.

    Raises:
        ValueError: when `config.yaml` in the folder differs.
    """
    saved = folder / "config.yaml"
    if saved.is_file() and _without_folder(OmegaConf.load(saved)) != _without_folder(config):
        raise ValueError(
            f"{folder} holds a run with another configuration; name a new folder with output=..., or remove it"
        )


def _without_folder(config: Any) -> str:
    """Write a run's configuration without the name of its folder, whatever the order of its keys."""
    return OmegaConf.to_yaml(config, resolve=True, sort_keys=True).replace(str(config.get("output")), "OUTPUT")


def split_multirun(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split Hydra's flag of a sweep (`-m`) from the overrides."""
    flags = ("-m", "--multirun")
    return [word for word in words if word in flags], [word for word in words if word not in flags]


def first_of_sweep(overrides: Sequence[str]) -> list[str]:
    """Take the first choice of each swept override, so that a multirun can be checked before it starts."""
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ValueError(" ".join(str(error).split())) from error
    return [
        f"{o.key_or_group}={next(iter(o.sweep_string_iterator()))}" if o.is_sweep_override() else str(o.input_line)
        for o in parsed
    ]


def _explain(verb: str, overrides: Sequence[str], error: Exception) -> str:
    text, command = " ".join(str(error).split()), COMMANDS.get(verb, verb.replace("_", "-"))
    if missing := re.search(r"Could not find '(?P<group>[^'/]+)/(?P<option>[^']+)'", text):
        group, option = missing["group"], missing["option"]
        return f"configs/{group} has no '{option}'; {_near_matches(option, _options(group))}"
    if missing := re.search(r"In '[^']+': Could not find '([^']+)'|Could not override '([^']+)'", text):
        key = missing[1] or missing[2]
        if (CONFIGS / key).is_dir():
            chosen = next((word for word in overrides if word.startswith("experiment=")), f"`region4d {command}`")
            return f"{chosen} has no group '{key}'; leave {key}=... out"
        known = _keys(verb, overrides)
        addable = f" (+{key}=... adds it)" if key.rpartition(".")[0] in known else ""
        return f"`region4d {command}` has no key '{key}'; {_near_matches(key, known)}{addable}"
    return f"{text} (`region4d {command}`; see configs/{verb}.yaml)"


def _options(group: str) -> list[str]:
    folders = [root / group for root in (CONFIGS, *config_dirs())]
    return sorted(
        {p.relative_to(folder).with_suffix("").as_posix() for folder in folders for p in folder.rglob("*.yaml")}
    )


def _keys(verb: str, overrides: Sequence[str]) -> list[str]:
    def walk(node: object, prefix: str) -> Iterator[str]:
        if isinstance(node, dict):
            for key, value in node.items():
                yield prefix + str(key)
                yield from walk(value, f"{prefix}{key}.")

    groups = [p.name for p in CONFIGS.iterdir() if p.is_dir()]
    options = [word for word in overrides if word.partition("=")[0] in groups]  # some groups have no default
    composed = compose(verb, [*options, *search_words()])
    return list(dict.fromkeys(groups + list(walk(OmegaConf.to_container(composed, resolve=False), ""))))


def _near_matches(wrong: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(wrong, known, n=3, cutoff=0.5)
    if not close:  # a key without its group: 'learning_rate' for 'module.learning_rate'
        close = [k for k in known if k.split(".")[-1] == wrong.split(".")[-1]][:3]
    if close:
        return "did you mean " + " or ".join(f"'{c}'" for c in close) + "?"
    return "choose one of " + ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
