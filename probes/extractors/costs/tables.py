"""Tables of the costs of extractors, and their record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.records.manifest import Manifest
from benchmarks.report.page import provenance_markdown
from benchmarks.report.table import Table
from probes.extractors.costs.cost import CARDS, RESERVED, Cost
from scenes.storage.atomic import write_text

RECORD, TABLE = "costs.json", "table.md"
METHOD = (
    "Counted on the meta device, from the published sizes and without weights, for one clip: all matrix products, "
    "convolutions and attention, and every tensor that is alive at a time, with attention as fused kernels do it. The "
    "text encoder is not part of it: it runs once, on the CPU, and its result is kept. Not counted is the workspace of "
    f"kernels; {RESERVED:g} GB of a card are left for it and for CUDA."
)


def write_costs(folder: Path, costs: Mapping[str, Cost], manifest: Manifest) -> None:
    """Write the record and the tables into a folder."""
    record: dict[str, Any] = {"made": asdict(manifest), "costs": {name: cost.record() for name, cost in costs.items()}}
    write_text(folder / RECORD, json.dumps(record, indent=1) + "\n")
    write_text(folder / TABLE, cost_tables(costs) + "\n" + provenance_markdown(manifest) + "\n")


def cost_tables(costs: Mapping[str, Cost]) -> str:
    """Write one section for memory and one for operations."""
    sections = [("Memory", memory(costs)), ("Operations", operations(costs))]
    text = "\n".join(f"## {title}\n\n{table.markdown()}\n" for title, table in sections)
    return f"# What extractors cost\n\n{METHOD}\n\n{text}"


def memory(costs: Mapping[str, Cost]) -> Table:
    """Tabulate parameters, weights, the peak, and how a model fits each card."""
    head = ["extractor=", "parameters", "type", "weights", "peak", *(f"{card} GB" for card in CARDS)]
    rows = []
    for name, cost in costs.items():
        gigabytes = [sum(cost.weights.values()) / 1e9, cost.peaks()["as it is"]]
        cells = [f"`{name}`", f"{cost.parameters / 1e9:.2f} B", cost.dtype, *(f"{size:.1f} GB" for size in gigabytes)]
        rows.append([*cells, *(way_text(cost.fit(card)) for card in CARDS)])
    return Table(head, rows)


def way_text(way: str) -> str:
    """Write a way to place a model as the options that ask for it."""
    return way if way in ("as it is", "no") else f"`{way}`"


def operations(costs: Mapping[str, Cost]) -> Table:
    """Tabulate the operations of a forward, whole and stopped at the deepest layer that is read."""
    head = ["extractor=", "frames", "pixels", "layer", "whole forward", "to the layer", "saved"]
    rows = [
        [
            f"`{name}`",
            str(cost.frames),
            f"{cost.size[0]} x {cost.size[1]}",
            str(max(cost.layers)),
            *(tera(count) for count in (cost.operations, cost.stopped)),
            f"{cost.saved:.0%}",
        ]
        for name, cost in costs.items()
    ]
    return Table(head, rows)


def tera(operations: int) -> str:
    """Write a number of operations in three digits or more."""
    value = operations / 1e12
    return f"{value:,.0f} TFLOP" if value >= 100 else f"{value:.3g} TFLOP"


def read_costs(folder: Path) -> dict[str, Cost]:
    """Read a record.

    Raises:
        FileNotFoundError: there is none.
    """
    path = folder / RECORD
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: `region4d records extractors` writes it")
    held = json.loads(path.read_text(encoding="utf-8"))["costs"]
    tuples = ("size", "layers")
    return {name: Cost(**{**cost, **{key: tuple(cost[key]) for key in tuples}}) for name, cost in held.items()}
