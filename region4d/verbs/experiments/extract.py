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
from probes.features.progress import Seen, Whole, bar_of
from region4d.configuration.compose import build, compose_config
from region4d.terminal import CONSOLE, quiet_transformers
from region4d.workers import Tell, count_workers, work_together
from scenes.storage.atomic import write_text
from scenes.storage.destinations import check_folder

Share = tuple[dict[str, Any], tuple[str, ...]]  # a configuration, and the words of the command


def extract(overrides: Annotated[list[str] | None, typer.Argument(help="Hydra overrides")] = None) -> None:
    """Cache features of a video model.

    Writes one store a layer, each with a manifest. workers=auto runs one process per GPU, workers=N runs N; several
    commands may share the work as well. The same command continues where it was.

    Example: region4d extract extractor=wan_1_3b "layers=[10,20]" sigma=0.3 workers=auto
    """
    words = overrides or []
    run(compose_config("extract", words), words)


def run(config: DictConfig, overrides: Sequence[str]) -> None:
    """Fill the stores of a composed configuration, in this process or in several."""
    workers, shard = count_workers(config.workers, config.device == "auto"), tuple(config.shard.values())
    if workers > 1 and shard != (0, 1):
        raise ValueError(
            f"workers={config.workers} with shard.count={config.shard.count}: give workers=N for N processes of this "
            "machine, or shard.index and shard.count for one process of several"
        )
    local = "://" not in str(config.output)
    if local:
        check_folder(Path(config.output))
    layers = list(config.layers)
    clips = extract_together(config, overrides, workers) if workers > 1 else extract_alone(config, overrides)
    if local and shard == (0, 1):
        write_text(done_file(config.output, layers), json.dumps({"clips": clips, "layers": layers}) + "\n")
    CONSOLE.print(f"{clips} clips, {len(layers)} layers: {config.output}")


def extract_alone(config: DictConfig, overrides: Sequence[str], seen: Seen | None = None) -> int:
    """Build the extractor and the clips, fill the stores in this process, and return the number of clips."""
    command = shlex.join(["region4d", "extract", *overrides])
    quiet_transformers()
    clips: ClipSet = build(config.clips)
    extractor: Extractor = build(config.extractor.build)
    options = ExtractionOptions(**{each.name: config[each.name] for each in fields(ExtractionOptions)})
    options.prepare(extractor)  # refuses wrong options before anything is rendered
    clips.prepare()
    device = ("cuda" if torch.cuda.is_available() else "cpu") if config.device == "auto" else config.device
    manifest = asdict(collect_manifest({"command": command, **OmegaConf.to_container(config, resolve=True)}))  # type: ignore[dict-item]
    shard = int(config.shard.index), int(config.shard.count)

    def notes(layer: int) -> dict[str, Any]:
        return {"extractor": extractor.name, "layer": layer, "blocks": len(extractor.blocks), "made": manifest}

    extractor.place(device, bool(config.tiling), config.offload)
    fill_stores(extractor, clips, options, config.output, shard=shard, notes=notes, seen=seen)
    return len(clips.names)


def extract_together(config: DictConfig, overrides: Sequence[str], workers: int) -> int:
    """Prepare the clips, and fill the stores in several processes, which hold those that they make; return how many.

    Raises as `work_together`.
    """
    build(config.clips).prepare()  # in one process, which takes all cores
    settings: Any = OmegaConf.to_container(config, resolve=True)
    shares: list[Share] = [(settings, tuple(overrides))] * workers
    if "://" in str(config.output):  # no locks there
        shares = [
            (settings | {"shard": {"index": index, "count": workers}}, tuple(overrides)) for index in range(workers)
        ]
    name = f"{config.extractor.build.name}, {workers} processes"
    with bar_of(name) as seen:
        whole = Whole(shared=shares[0] == shares[-1], seen=seen)
        return work_together(extract_share, shares, whole.told, any_gpu=config.device == "auto")[0]


def extract_share(share: Share, tell: Tell) -> int:
    """Fill the stores, or a shard of them, in a process of several; return the number of clips."""
    settings, overrides = share
    return extract_alone(OmegaConf.create(settings), overrides, lambda *counts: tell(counts))


def done_file(output: str | Path, layers: Sequence[int]) -> Path:
    """Name the file that is there once all clips are, under these layers."""
    return Path(output) / f"extracted-{'-'.join(map(str, layers))}.json"
