"""Speed of several questions about one clip, and memory of an 8B model: `region4d speed answering`.

Weights are random: they change neither. On a CPU a model of a quarter of a billion parameters is timed; on a GPU the
one of 8 billion, whose peak memory is then also measured.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.memory import NVILA_LITE_8B, AnswerMemory, answer_memory
from benchmarks.speed.stopwatch import print_races, race, write_races
from models.queries.query import Query
from models.regions import Region
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration, SR3DProcessor, train_tokenizer
from models.sr3d.answering import Answerer
from models.sr3d.inputs.sample import Sample
from models.sr3d.text.mentions import renumber
from scenes.clip import Clip
from scenes.storage.atomic import write_text

SMALL: dict[str, Any] = {  # SigLIP-base and the sizes of SmolLM2-135M
    **NVILA_LITE_8B,
    "vision_config": {
        **NVILA_LITE_8B["vision_config"],
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "image_size": 256,
        "patch_size": 16,
    },
    "text_config": {
        **NVILA_LITE_8B["text_config"],
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "vocab_size": 49152,
    },
    "tile_size": 256,
    "stride": 16,
    "projector": "downsample_2x2",
}
REGIONS, QUESTIONS, NEW_TOKENS = 8, 8, 8
COMPUTED_FRAMES = 32
MIN_GAIN = 2.0  # of a further question, and of questions together


def time_answering(output: Path, command: str, device: torch.device, repeats: int, frames: int) -> None:
    """Time answers, compute memory, print both, and write a record and a table beside it.

    Args:
        output: Where the JSON record goes.
        command: The command line, for the record.
        device: Of the model.
        repeats: Runs of each arm, in turns.
        frames: Of the clip.
    """
    logging.getLogger("models.sr3d.answering").setLevel(logging.ERROR)  # answers of random weights are cut
    answerer, queries = random_answerer(NVILA_LITE_8B if device.type == "cuda" else SMALL, device, frames)
    first, further = queries[:1], queries[1:2]

    def ask(some: list[Query], anew: bool) -> None:
        if anew:
            answerer.forget()
        list(answerer.answer(some, max_new_tokens=NEW_TOKENS))

    def ask_whole_prompts(together: bool) -> None:
        groups = [queries] if together else [[query] for query in queries]
        samples = [prepare_whole(answerer.processor, group) for group in groups]
        batch = answerer.processor.collate(samples, packed=False, pad_side="left").to(device)
        with torch.inference_mode():
            answerer.model.generate(**batch, max_new_tokens=NEW_TOKENS, do_sample=False)

    size = sum(weight.numel() for weight in answerer.model.parameters()) / 1e9
    of = f"{frames} frames, {size:.2g} B parameters"
    races = [
        race(
            f"a further question about a clip, {of}",
            {"clip remembered": lambda: ask(further, False), "clip read anew": lambda: ask(first, True)},
            MIN_GAIN,
            repeats,
            device,
        ),
        race(
            f"{QUESTIONS} questions about a clip, {of}",
            {
                "clip read once": lambda: ask(queries, True),
                "whole prompts, frames encoded once": lambda: ask_whole_prompts(True),
                "whole prompts, frames encoded for each": lambda: ask_whole_prompts(False),
            },
            MIN_GAIN,
            repeats,
            device,
        ),
    ]
    print_races(races)
    config = SR3DConfig(**NVILA_LITE_8B)
    computed = {bits: answer_memory(config, COMPUTED_FRAMES, REGIONS, bits=bits) for bits in (None, 8, 4)}
    measured = None
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        ask(first, True)
        measured = torch.cuda.max_memory_allocated(device)
    settings = {"frames": frames, "repeats": repeats, "regions": REGIONS, "peak_bytes_measured": measured}
    write_races(output, command, races, collect_manifest(settings))
    table = memory_table(computed, measured, frames)
    write_text(output.with_suffix(".md"), table)
    print(table)


def prepare_whole(processor: SR3DProcessor, queries: Sequence[Query]) -> Sample:
    """Prepare questions about one clip, each about one region, as whole prompts."""
    clip = queries[0].clip
    texts = [renumber(query.text, [k]) for k, query in enumerate(queries)]
    regions = [query.regions[0] for query in queries]
    return processor.prepare(clip.video, texts, seconds=clip.seconds, regions=regions)


def random_answerer(sizes: dict[str, Any], device: torch.device, frames: int) -> tuple[Answerer, list[Query]]:
    """Build a model with random weights, a clip of noise, and questions about its regions."""
    with torch.device(device):
        config = SR3DConfig(**sizes, eos_token_id=1, pad_token_id=0)
        model = SR3DForConditionalGeneration(config).to(torch.bfloat16 if device.type == "cuda" else torch.float32)
    words = ["Is <region0> nearer than the camera ?"]
    processor = SR3DProcessor.from_config(config, train_tokenizer(words))
    generator = torch.Generator().manual_seed(0)
    side = config.tile_size
    video = torch.randint(0, 256, (frames, 3, side, side), dtype=torch.uint8, generator=generator)
    clip = Clip(video, torch.arange(frames) / 2.0)
    half = side / 2
    regions = [Region.from_box((8 * k, 8, 8 * k + half, half), side, side) for k in range(REGIONS)]
    return Answerer(model, processor), [Query(clip, [region], words[0]) for region in regions[:QUESTIONS]]


def memory_table(computed: dict[int | None, AnswerMemory], measured: int | None, frames: int) -> str:
    """Lay out memory in gigabytes as Markdown."""
    stages = ("weights", "tower", "projector", "regions", "language")
    lines = [f"| language model | {' | '.join(stages)} | peak |", "|" + " --- |" * (len(stages) + 2)]
    for bits, memory in computed.items():
        cells = [f"{getattr(memory, stage) / 1e9:.2f}" for stage in stages]
        name = "bfloat16" if bits is None else f"{bits} bits"
        lines.append(f"| {name} | {' | '.join(cells)} | {memory.peak / 1e9:.1f} |")
    if measured is not None:
        blanks = " | " * len(stages)
        lines.append(f"| bfloat16, measured with {frames} frames | {blanks}{measured / 1e9:.1f} |")
    return "\n".join(lines) + "\n"
