"""`region4d convert`: put a vision tower and a language model together, or write NVILA-Lite as one folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer


def convert(
    output: Annotated[Path, typer.Option("-o", "--output", help="folder to write, which must not exist")],
    vision: Annotated[
        str | None, typer.Option("--vision", help="image encoder of transformers: a folder or a Hub name")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="causal language model: a folder, a Hub name, or a GGUF file")
    ] = None,
    nvila: Annotated[
        Path | None, typer.Option("--nvila", help="NVILA-Lite folder, or its name on the Hub, instead of the two parts")
    ] = None,
    projector: Annotated[
        Literal["linear", "mlp", "pool", "downsample_2x2", "downsample_3x3"],
        typer.Option("--projector", help="from patches to tokens (of --vision)"),
    ] = "mlp",
    dtype: Annotated[Literal["float32", "bfloat16", "float16"], typer.Option("--dtype", help="of the weights")] = (
        "bfloat16"
    ),
) -> None:
    """Make an SR-3D to train from a vision tower and a language model; or write an NVILA-Lite folder as one model.

    Texts alone are answered as the language model answers them. The projector of the two parts, and the region
    extractor, are untrained. The card (README.md) hands on the licences of what it was made from.

    Example:

    region4d convert --vision google/siglip-so400m-patch14-384 --language Qwen/Qwen2.5-1.5B-Instruct -o base
    """
    import torch

    from benchmarks.records.manifest import collect_manifest
    from models.sr3d.bases import assemble, load_nvila_lite
    from models.sr3d.seen_clips import refuse_weights_not_finite
    from region4d.cards.base_models import read_base
    from region4d.cards.model_card import write_converted_card
    from region4d.terminal import quiet_transformers
    from scenes.storage.atomic import new_folder
    from scenes.storage.destinations import refuse_unwritable

    parts = (vision, language)
    if (nvila is None) == (None in parts) or (nvila is not None and any(parts)):
        raise ValueError("give --vision and --language, or --nvila")
    refuse_unwritable(output)
    quiet_transformers()
    kind = getattr(torch, dtype)
    if nvila is not None:
        model, processor = load_nvila_lite(nvila, dtype=kind)
    else:
        model, processor = assemble(str(vision), str(language), kind, projector=projector)
    refuse_weights_not_finite(model)
    untrained = "projector and region extractor" if nvila is None else "region extractor"
    if model.config.region_extractor_trained:
        untrained = "nothing"
    size = f"{sum(p.numel() for p in model.parameters()) / 1e6:,.0f} M parameters; untrained: {untrained}"
    words = (
        ["--nvila", str(nvila)]
        if nvila is not None
        else ["--vision", str(vision), "--language", str(language), "--projector", projector]
    )
    named = {"vision tower": vision, "language model": language} if nvila is None else {"whole model": nvila}
    bases = [read_base(part, source) for part, source in named.items() if source is not None]
    with new_folder(output) as draft:
        model.save_pretrained(draft)
        processor.save_pretrained(draft)
        command = shlex.join(["region4d", "convert", *words, "--dtype", dtype])
        write_converted_card(draft, output.name, f"An SR-3D, {size}.", command, collect_manifest({}, draft), bases)
    typer.echo(f"{output}: {size}")
