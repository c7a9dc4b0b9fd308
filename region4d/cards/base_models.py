"""The models that a checkpoint was made from, and the licence that each of them states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import ModelCardData, metadata_load

from models.checkpoint_files import read_json
from models.checkpoint_registry import HUB_NAME, checkpoint_folder, download, shipped_checkpoints

LIBRARY = "region4d"
OTHER = "other"  # of the Hub: a licence without an identifier there, or one that could not be read
PERMISSIVE = {"apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "unlicense", "isc"}
CARD_FILES = ("README.md", "LICEN[CS]E*", "config.json")
LICENCES = {  # identifier of the Hub: how the text of a licence begins
    "apache-2.0": r"apache license,?\s+version 2\.0",
    "mit": r"\bmit license\b|permission is hereby granted, free of charge",
    "cc-by-4.0": r"attribution 4\.0 international|\bcc[- ]by[- ]4\.0",
    "cc-by-sa-4.0": r"attribution-sharealike 4\.0|\bcc[- ]by[- ]sa[- ]4\.0",
    "cc-by-nc-4.0": r"attribution-noncommercial 4\.0|\bcc[- ]by[- ]nc[- ]4\.0",
    "cc-by-nc-sa-4.0": r"attribution-noncommercial-sharealike 4\.0|\bcc[- ]by[- ]nc[- ]sa[- ]4\.0",
    "cc-by-nc-nd-4.0": r"attribution-noncommercial-noderivatives 4\.0|\bcc[- ]by[- ]nc[- ]nd[- ]4\.0",
    "llama2": r"llama 2 community license",
    "llama3": r"llama 3 community license",
    "llama3.1": r"llama 3\.1 community license",
    "llama3.2": r"llama 3\.2 community license",
    "llama3.3": r"llama 3\.3 community license",
    "gemma": r"gemma terms of use",
}
BEGINNING = 3000  # characters of a licence that tell which it is


@dataclass(frozen=True)
class BaseModel:
    """A model that a checkpoint was made from.

    Args:
        part: What it became, such as "vision tower".
        name: Name on the Hub, or of the folder.
        licence: Identifier of the Hub; "other" where it has none or could not be read.
        licence_name: Name of an "other" licence; "" where it could not be read.
        licence_link: Address of an "other" licence.
        stated_in: File that states the licence; "" where none does.
        bases: What a card made from this one names as `base_model`.
        datasets: Names on the Hub of what it was trained on, where its card says so.
    """

    part: str
    name: str
    licence: str = OTHER
    licence_name: str = ""
    licence_link: str = ""
    stated_in: str = ""
    bases: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether the licence could be read."""
        return self.licence != OTHER or bool(self.licence_name)

    @property
    def licence_text(self) -> str:
        """The licence in words."""
        if self.licence != OTHER:
            return self.licence
        return self.licence_name or "not known: check it"


def read_base(part: str, source: str | Path) -> BaseModel:
    """Read name and licence of a model: a shipped name, a folder, a file of weights, or a name on the Hub.

    The licence stands in the front matter of `README.md`, else in a file LICENSE, else in `config.json`. A card of
    region4d hands on its own `base_model`, since its folder has no name on the Hub.
    """
    folder = _folder(source)
    name = _name(source)
    if folder is None:
        return BaseModel(part, name, bases=(name,))
    card = _front_matter(folder / "README.md")
    bases = _words(card.get("base_model")) if card.get("library_name") == LIBRARY else ()
    licence, licence_name, licence_link, stated_in = _licence(folder, card)
    return BaseModel(
        part=part,
        name=name,
        licence=licence,
        licence_name=licence_name,
        licence_link=licence_link,
        stated_in=stated_in,
        bases=bases or (name,),
        datasets=_words(card.get("datasets")),
    )


def bases_of_config(model: Any) -> list[BaseModel]:
    """Read the models that a training starts from: those that the values of its `model` node name."""
    found = dict.fromkeys(_sources(model, ()))
    return [read_base(part, source) for part, source in found]


def combined_licence(bases: Sequence[BaseModel]) -> ModelCardData:
    """Give `license`, and for "other" its name and link, of what was made from all of these models.

    Permissive licences allow another one for the whole. Several others make it "other" with their names, and one that
    could not be read makes it "other" without a name. From nothing, it is that of region4d.
    """
    if not bases:
        return ModelCardData(license="apache-2.0")
    if not all(base.known for base in bases):
        return ModelCardData(license=OTHER)
    names = list(dict.fromkeys(base.licence_text for base in bases))
    binding = [name for name in names if name not in PERMISSIVE] or names
    if len(binding) > 1:
        return ModelCardData(license=OTHER, license_name="-and-".join(binding))
    (only,) = [base for base in bases if base.licence_text == binding[0]][:1]
    return ModelCardData(
        license=only.licence, license_name=only.licence_name or None, license_link=only.licence_link or None
    )


def _sources(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """List (part, source) of all values that name a checkpoint."""
    if isinstance(node, Mapping):
        for key in node:
            yield from _sources(node[key], (*path, str(key)))
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _sources(value, path)
    elif isinstance(node, str | Path) and _is_checkpoint(str(node), path[-1:]):
        yield ".".join(path[:-1]) or "model", str(node)


def _is_checkpoint(value: str, key: tuple[str, ...]) -> bool:
    if value in shipped_checkpoints() or (value and (Path(value) / "config.json").is_file()):
        return True
    return key in (("folder",), ("pretrained_model_name_or_path",)) and HUB_NAME.fullmatch(value) is not None


def _folder(source: str | Path) -> Path | None:
    """Find the folder of a model's files, or None for one of the Hub that does not answer."""
    path = Path(source)
    if str(source) in shipped_checkpoints():
        return checkpoint_folder(source)
    if path.exists() or path.parent.exists() or not HUB_NAME.fullmatch(str(source)):
        return path.parent if path.is_file() else path
    try:
        return download(str(source), CARD_FILES)
    except FileNotFoundError:
        return None


def _name(source: str | Path) -> str:
    """Name a source as the Hub does, also in the Hub's cache; a folder by its own name."""
    path = Path(source)
    if not path.exists():
        return str(source)
    path = path.resolve()
    if cached := re.search(r"models--([^/]+?)--([^/]+)/snapshots/[^/]+$", path.as_posix()):
        return f"{cached[1]}/{cached[2]}"
    return path.stem if path.is_file() else path.name


def _licence(folder: Path, card: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Read (licence, its name, its link, the file that states it)."""
    stated = _one_word(card.get("license"))
    if stated and stated != OTHER:
        return stated, "", "", "README.md"
    if stated == OTHER and (name := card.get("license_name")):
        link = str(card.get("license_link") or "")
        return OTHER, str(name), link if link.startswith("https://") else "", "README.md"
    for file in sorted(folder.glob("LICEN[CS]E*")):
        text = file.read_text(encoding="utf-8", errors="replace")[:BEGINNING].lower() if file.is_file() else ""
        found = [name for name, pattern in LICENCES.items() if re.search(pattern, text)]
        if len(found) == 1:
            return found[0], "", "", file.name
    config = folder / "config.json"
    stated = _one_word(_config_licence(config))
    return (stated, "", "", "config.json") if stated and stated != OTHER else (OTHER, "", "", "")


def _config_licence(file: Path) -> Any:
    try:
        return read_json(file).get("license") if file.is_file() else None
    except ValueError:  # what is no config states nothing
        return None


def _one_word(licence: Any) -> str:
    """Give an identifier as the Hub writes it; "" for what is none."""
    (word,) = licence if isinstance(licence, list) and len(licence) == 1 else (licence,)
    known = isinstance(word, str) and re.fullmatch(r"[A-Za-z][\w.+-]*", word) is not None
    return word.lower() if known and word.lower() not in ("unknown", "none") else ""


def _front_matter(file: Path) -> dict[str, Any]:
    """Read the front matter of a card; what cannot be read states nothing."""
    try:
        return (metadata_load(file) if file.is_file() else None) or {}
    except (ValueError, yaml.YAMLError):
        return {}


def _words(value: Any) -> tuple[str, ...]:
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    return tuple(word for word in values if isinstance(word, str))
