"""The tables of extractors, made from their configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from benchmarks.report.table import Table
from models.resources import resource_folder

SOURCE = "configs/extractor"  # of these tables, as the markers of documents name it
CONFIGS = resource_folder("configs") / "extractor"
SECTIONS = {  # title: columns after the extractor's name
    "Models": ("system", "layers", "sigma", "licence"),
    "Read-out": ("source class", "hook"),
    "Verification": ("verified", "not verified"),
}


def extractor_tables(folder: Path = CONFIGS) -> str:
    """Write one section for each group of columns, narrow enough for a screen."""
    extractors = {path.stem: row(yaml.safe_load(path.read_text())) for path in sorted(folder.glob("*.yaml"))}
    sections = []
    for title, columns in SECTIONS.items():
        rows = [[f"`{name}`", *(facts[column] for column in columns)] for name, facts in extractors.items()]
        sections.append(f"## {title}\n\n{Table(('extractor=', *columns), rows).markdown()}\n")
    return "# Extractors\n\n" + "\n".join(sections)


def row(config: dict[str, Any]) -> dict[str, str]:
    """Collect the cells of one extractor by column."""
    config = config.get("extractor", config)  # a file of global keys has it in its place
    facts = config["facts"]
    return {
        "system": facts["system"],
        "source class": facts["source"],
        "hook": f"`{facts['hook']}`",
        "layers": ", ".join(map(str, config["layers"])),
        "sigma": "" if config["sigma"] is None else f"{config['sigma']:g}",
        "licence": facts["licence"],
        "verified": facts["verified"],
        "not verified": facts["unverified"],
    }
