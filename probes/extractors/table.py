"""The table of extractors, made from their configuration: `python -m probes.extractors.table`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from benchmarks.report.page import Table
from scenes.storage.atomic import write_text

CONFIGS = Path(__file__).parents[2] / "configs" / "extractor"
RESULT = Path(__file__).parents[2] / "docs" / "tables" / "extractors.md"
HEAD = ("extractor=", "system", "source class", "hook", "layers", "sigma", "licence", "verified", "not verified")


def main(output: Annotated[Path, typer.Option(help="where the table goes")] = RESULT) -> None:
    """Write the table of all extractors."""
    rows = [row(path.stem, yaml.safe_load(path.read_text())) for path in sorted(CONFIGS.glob("*.yaml"))]
    write_text(output, Table(HEAD, rows).markdown() + "\n")


def row(name: str, config: dict[str, Any]) -> list[str]:
    """Lay out one extractor."""
    facts = config["facts"]
    sigma = "" if config["sigma"] is None else f"{config['sigma']:g}"
    layers = ", ".join(map(str, config["layers"]))
    known = (facts[key] for key in ("licence", "verified", "unverified"))
    return [f"`{name}`", facts["system"], facts["source"], f"`{facts['hook']}`", layers, sigma, *known]


if __name__ == "__main__":
    typer.run(main)
