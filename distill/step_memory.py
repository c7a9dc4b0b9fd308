"""Peak memory of a training step of an 8 B model, computed and not measured: `region4d speed training-memory`.

One process holds, in bytes, P parameters of which T are trained:

- weights: 4 T + 2 (P - T), trained ones in float32 and frozen ones in bfloat16; in 4 bits, half a byte and a scale of 1
  byte for 64 weights instead of 2 bytes. Sharded over N processes: 4 P / N, because a shard has one type.
- gradients: 4 T, and as much again for the buckets of DDP; 4 T / N where sharded.
- optimizer: 8 T, the two moments of AdamW; 8 T / N where sharded.
- gathered (sharded only): 2 (R + 2 L) + 2 (R + L) for a decoder layer of L parameters and R outside of all layers:
  the weights of two layers, because the next one is fetched meanwhile, and the gradients of one.
- activations: the most that is alive at any time in forward and backward pass of one clip, with checkpointing of each
  layer and bfloat16 autocast, counted operation by operation on fake tensors, which have shapes and no data. It holds
  the bfloat16 copies that autocast makes of float32 weights, that of the largest 4-bit layer, and a causal mask of
  3 bytes for each two tokens, which transformers builds of fake tensors and not of real ones.
- step: 4 T, or 4 T / N, which AdamW needs for all weights at once, after activations are freed.

The teacher's heads are frozen, in float32, and whole on each card. On top come what an allocator reserves (5 to 10 %),
a CUDA context (half a gigabyte), and the region extractor.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from benchmarks.records.manifest import collect_manifest
from benchmarks.speed.memory import NVILA_LITE_8B, LiveBytes
from benchmarks.speed.stopwatch import races_table
from distill.signals import CHANNELS
from distill.student.perception_decoder import PerceptionDecoder
from models.heads.dpt import DPTHead
from models.sr3d import SR3DConfig, SR3DForConditionalGeneration
from scenes.storage.atomic import write_text
from training.sr3d.adapters import LoRA

Kind = Literal["full", "LoRA", "QLoRA", "P4D"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CARDS, CARD = (1, 4, 8), 80_000_000_000
LATENT = (4, 8, 16, 16, 1408)  # of L4P: hooks, slots, rows, columns, channels
SIZE, TUBELET = 224, 2  # of L4P's frames
ANSWERED = 32  # tokens
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)  # bytes of a weight, with quantised scales (QLoRA, arXiv 2305.14314, section 3)


@dataclass(frozen=True)
class Memory:
    """Bytes on one card."""

    weights: float
    gradients: float
    optimizer: float
    gathered: float
    activations: float
    step: float

    @property
    def peak(self) -> float:
        """Either with activations, beside gradients that are accumulated, or in the step of the optimizer."""
        return self.weights + self.gradients + self.optimizer + max(self.gathered + self.activations, self.step)


class Perceives(nn.Module):
    """What P4D adds: the perception decoder, trained, and four frozen DPT heads in float32, as large as L4P's tokens.

    L4P's own heads are not public in sizes that can be built here; these are DPT heads of VGGT's width.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.decoder = PerceptionDecoder(width, LATENT)
        self.heads = nn.ModuleDict({name: DPTHead(LATENT[-1], TUBELET * CHANNELS[name]) for name in CHANNELS})
        self.heads.requires_grad_(False)

    def forward(self, states: Tensor) -> Tensor:
        """Decode the hidden states at visual tokens, (1, time, rows, cols, channel), to a loss."""
        latents = self.decoder(states)
        layers = [latents[0, hook].float() for hook in range(LATENT[0])]
        sizes = {name: LATENT[2:4] if name == "rays" else (SIZE, SIZE) for name in CHANNELS}
        return torch.stack([head(layers, sizes[name]).abs().mean() for name, head in self.heads.items()]).sum()


class Training(nn.Module):
    """An SR-3D as it is trained: encoder frozen, in bfloat16, each layer checkpointed."""

    def __init__(self, config: SR3DConfig, kind: Kind) -> None:
        super().__init__()
        self.model = SR3DForConditionalGeneration(config).to(torch.bfloat16).train()
        self.model.vision_tower.requires_grad_(False)
        self.model.activation_checkpointing_enable()
        if kind in ("LoRA", "QLoRA"):
            LoRA().attach(self.model, torch.device("cpu"))
        width = config.text_config.get_text_config().hidden_size
        self.perceives = Perceives(width) if kind == "P4D" else None

    def forward(self, frames: int, text: int) -> Tensor:
        """Compute the loss of one clip: frames, then `text` tokens, the last of which are answered."""
        model, side = self.model, self.model.config.tile_size
        points = model.config.grid * model.config.pe_oversample
        seen = torch.ones(frames, points, points, dtype=torch.bool)
        features = model.encode_tiles(torch.empty(frames, 3, side, side), torch.empty(*seen.shape, 3), seen)
        tokens = model.projector(features)
        words = model.get_input_embeddings()(torch.zeros(1, text, dtype=torch.long))
        embeds = torch.cat([tokens.flatten(0, 2)[None].to(words), words], 1)
        outputs = model.language_model.base_model(
            inputs_embeds=embeds, use_cache=False, output_hidden_states=self.perceives is not None
        )
        logits = model.get_output_embeddings()(outputs.last_hidden_state[0, -ANSWERED:])
        loss: Tensor = F.cross_entropy(logits.float(), torch.zeros(ANSWERED, dtype=torch.long))
        if self.perceives is None:
            return loss
        states = outputs.hidden_states[-1][:, :-text].reshape(1, *tokens.shape)
        perceived: Tensor = self.perceives(states)
        return loss + perceived

    def held(self) -> list[Tensor]:
        """List what is there before a step: weights, buffers and gradients of an earlier batch."""
        weights = list(self.parameters())
        return [*weights, *self.buffers(), *(weight.grad for weight in weights if weight.grad is not None)]


def step_memory(config: SR3DConfig, kind: Kind, cards: int, frames: int, text: int) -> Memory:
    """Compute the memory of one card. Full training and P4D are sharded over several cards, adapters are not.

    Args:
        config: of the model.
        kind: what is trained.
        cards: GPUs, each with one clip.
        frames: of the clip.
        text: tokens of prompt, questions and answers.
    """
    sharded = cards > 1 and kind in ("full", "P4D")
    with torch.device("meta"):
        training = Training(config, kind)
    with FakeTensorMode(allow_non_fake_inputs=True):
        training.to_empty(device="cpu")
        language = training.model.language_model
        linear = [p for n, p in language.named_parameters() if p.ndim == 2 and ".layers." in n and "lora_" not in n]
        layer = sum(p.numel() for p in language.base_model.layers[0].parameters())
        for weight in training.parameters():
            if weight.requires_grad and not sharded:
                weight.data = weight.data.float()
            if weight.requires_grad:
                weight.grad = torch.empty_like(weight)  # of an earlier batch
        with LiveBytes(training.held()) as live:
            with torch.autocast("cpu", torch.bfloat16):
                loss = training(frames, text)
            loss.backward()
        teacher = {id(p) for p in training.perceives.heads.parameters()} if training.perceives else set()
        heads = 4.0 * sum(p.numel() for p in training.parameters() if id(p) in teacher)
        sizes = [(p.numel(), p.requires_grad, p.element_size()) for p in training.parameters() if id(p) not in teacher]
    every, trained = sum(n for n, *_ in sizes), sum(n for n, grad, _ in sizes if grad)
    weights = 4.0 * every if sharded else float(sum(n * size for n, _, size in sizes))
    activations, gathered = float(live.peak), 0.0
    if sharded:
        rest = every - layer * len(language.base_model.layers)
        gathered = 2.0 * (rest + 2 * layer) + 2.0 * (rest + layer)
    if kind == "QLoRA":
        weights += (NF4 - 2) * sum(p.numel() for p in linear)
        activations += 2.0 * max(p.numel() for p in linear)
    buckets = 2 if cards > 1 and not sharded else 1
    share = cards if sharded else 1
    return Memory(
        weights=weights / share + heads,
        gradients=buckets * 4.0 * trained / share,
        optimizer=8.0 * trained / share,
        gathered=gathered,
        activations=activations,
        step=4.0 * trained / share,
    )


def compute_training_memory(output: Path, command: str, frames: int = 16, text: int = 256) -> None:
    """Compute all kinds on all numbers of cards, print the table, and write a record and the table beside it.

    Args:
        output: where the JSON record goes.
        command: the command line, for the record.
        frames: of the clip on each card.
        text: tokens of prompt, questions and answers.

    Raises:
        ValueError: the frames do not fill the slots of P4D's teacher.
    """
    if frames % LATENT[1]:
        raise ValueError(f"--frames {frames}: P4D needs a multiple of {LATENT[1]}")
    config = SR3DConfig(**NVILA_LITE_8B)
    computed = {(kind, cards): step_memory(config, kind, cards, frames, text) for kind in KINDS for cards in CARDS}
    tokens = frames * config.token_grid**2 + text
    settings = {"frames": frames, "text": text, "tokens": tokens, "answered": ANSWERED, "computed": True}
    rows = [{"training": kind, "cards": cards, **asdict(each)} for (kind, cards), each in computed.items()]
    record = {"command": command, **asdict(collect_manifest(settings)), "tasks": {}, "bytes": rows}
    output.parent.mkdir(parents=True, exist_ok=True)
    write_text(output, json.dumps(record, indent=2) + "\n")
    write_text(output.with_name("table.md"), races_table(output.parent))
    table = memory_table(computed)
    write_text(output.with_suffix(".md"), table)
    print(table)


def memory_table(computed: Mapping[tuple[Kind, int], Memory]) -> str:
    """Lay out gigabytes as Markdown."""
    parts = ("weights", "gradients", "optimizer", "gathered", "activations", "step")
    lines = [f"| training | cards | {' | '.join(parts)} | peak, GB | below 80 GB |", "|" + " --- |" * (len(parts) + 4)]
    for (kind, cards), memory in computed.items():
        cells = " | ".join(f"{getattr(memory, part) / 1e9:.1f}" for part in parts)
        lines.append(
            f"| {kind} | {cards} | {cells} | {memory.peak / 1e9:.1f} | {'yes' if memory.peak < CARD else 'no'} |"
        )
    return "\n".join(lines) + "\n"
