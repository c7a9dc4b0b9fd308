"""`region4d extract`: the features of a frozen model, cached for probes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from omegaconf import DictConfig, OmegaConf

from benchmarks.records.manifest import collect_manifest
from probes.clips.clip_sets import ClipSet
from probes.extractors.extractor import Extractor
from probes.features.extraction import fill_stores
from probes.features.options import ExtractionOptions
from region4d.configuration.compose import build, compose_config
from region4d.terminal import CONSOLE, quiet_transformers
from scenes.storage.atomic import write_text
from scenes.storage.destinations import check_folder


def extract(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Cache features of a video model.

    Writes one store a layer, each with a manifest. May run in several processes at once, and continues where it was.

    Example: region4d extract extractor=wan_1_3b "layers=[10,20]" sigma=0.3
    """
    words = overrides or []
    run(compose_config("extract", words), words)


def run(config: DictConfig, overrides: Sequence[str]) -> None:
    """Build the extractor and the clips of a composed configuration, and fill the stores."""
    command = shlex.join(["region4d", "extract", *overrides])
    local = "://" not in str(config.output)
    if local:
        check_folder(Path(config.output))
    quiet_transformers()
    clips: ClipSet = build(config.clips)
    extractor: Extractor = build(config.extractor.build)
    options = ExtractionOptions(**{field.name: config[field.name] for field in fields(ExtractionOptions)})
    options.prepare(extractor)  # refuses wrong options before anything is rendered
    clips.prepare()
    device = ("cuda" if torch.cuda.is_available() else "cpu") if config.device == "auto" else config.device
    manifest = asdict(collect_manifest({"command": command, **OmegaConf.to_container(config, resolve=True)}))  # type: ignore[dict-item]
    shard, layers = (int(config.shard.index), int(config.shard.count)), list(options.layers)

    def notes(layer: int) -> dict[str, Any]:
        return {"extractor": extractor.name, "layer": layer, "blocks": len(extractor.blocks), "made": manifest}

    extractor.place(device, bool(config.tiling), config.offload)
    fill_stores(extractor, clips, options, config.output, shard=shard, notes=notes)
    if local and shard == (0, 1):
        write_text(
            done_file(config.output, layers), json.dumps({"clips": len(clips.names), "layers": list(layers)}) + "\n"
        )
    CONSOLE.print(f"{len(clips.names)} clips, {len(layers)} layers: {config.output}")


def done_file(output: str | Path, layers: Sequence[int]) -> Path:
    """Name the file that is there once all clips are, under these layers."""
    return Path(output) / f"extracted-{'-'.join(map(str, layers))}.json"
