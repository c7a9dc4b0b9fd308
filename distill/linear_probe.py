"""Fresh linear probes: how much depth, flow, motion and camera a trained student's visual tokens hold.

Ridge regression from the frozen hidden states of every layer to the mean true signal of each token's cell, fitted after
the fact on scenes that no arm was trained on, scored on others. The distillation's own decoder takes no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from benchmarks.region_qa.analyses.linear_probes import ProbeScores
from distill.ridge import Ridge
from distill.signals import CHANNELS, RENDERED, true_signals
from distill.student.states import visual_states
from models.sr3d import SR3DForConditionalGeneration, SR3DProcessor
from models.sr3d.answering import Answerer
from scenes.clip import Clip
from scenes.questions import CATEGORIES
from scenes.worlds import WorldConfig
from scenes.worlds.store import WorldStore

RIDGES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)  # times the mean variance; the best one on a quarter of the fitting clips
HALF = 0.5  # share of a cell that must be valid
BATCH = 32


@dataclass(frozen=True)
class CellSignals:
    """The mean of each signal over the cell of every visual token, one row a token, and where it is known."""

    values: dict[str, Float[Tensor, "row _"]]
    valid: dict[str, Bool[Tensor, "row"]]


@torch.inference_mode()
def token_states(
    model: SR3DForConditionalGeneration, processor: SR3DProcessor, clips: Sequence[Clip]
) -> Float[Tensor, "layer row channel"]:
    """Read the hidden states at the visual tokens, embeddings first; rows are clips, frames, rows, columns in order.

    What is asked does not matter: the language model is causal, and the question comes last.
    """
    question = CATEGORIES["elapsed"].stems[0]
    rows = []
    for start in range(0, len(clips), BATCH):
        samples = [
            processor.prepare(clip.video, [question], clip.points(), clip.seconds, clip.world_T_cam)
            for clip in clips[start : start + BATCH]
        ]
        batch = processor.collate(samples, packed=False, pad_side="right").to(model.device)
        layers = model(**batch, output_hidden_states=True).hidden_states
        states = [visual_states(hidden, batch["input_ids"], model.config).flatten(0, 3) for hidden in layers]
        rows.append(torch.stack(states).cpu())
    return torch.cat(rows, 1)


def cell_signals(clips: Sequence[Clip], grid: int) -> CellSignals:
    """Average the true signals of clips over grid x grid cells of each frame."""
    values: dict[str, list[Tensor]] = {name: [] for name in CHANNELS}
    valid: dict[str, list[Tensor]] = {name: [] for name in CHANNELS}
    for clip in clips:
        signals = true_signals(clip, (grid, grid))
        for name, value in signals.values.items():
            if name == "motion":
                value = (value > 0).float()  # the share of the cell that moves
            known = signals.valid[name].float()
            share = F.adaptive_avg_pool2d(known, grid)
            total = F.adaptive_avg_pool2d(torch.where(known > 0, value, 0.0), grid)
            values[name].append(rearrange(total / share.clamp_min(1e-6), "t c h w -> (t h w) c"))
            valid[name].append((share >= HALF).flatten())
    return CellSignals(*({name: torch.cat(parts) for name, parts in each.items()} for each in (values, valid)))


def probe(
    model: SR3DForConditionalGeneration,
    processor: SR3DProcessor,
    fitting: Sequence[Clip],
    testing: Sequence[Clip],
    arm: str = "",
    seed: int = 0,
) -> ProbeScores:
    """Fit a probe of every signal on every layer, and score that of the last one on each of the testing clips."""
    layers = token_states(model.eval(), processor, [*fitting, *testing])
    signals = cell_signals([*fitting, *testing], model.config.token_grid)
    clip = torch.arange(layers.shape[1]) * (len(fitting) + len(testing)) // layers.shape[1]
    errors: dict[str, list[float]] = {}
    spreads: dict[str, list[float]] = {}
    by_layer: dict[str, list[float]] = {}
    for name, signal in signals.values.items():
        known = signals.valid[name]
        y, of = signal[known], clip[known]
        fitted, inner = of < len(fitting), of < 0.75 * len(fitting)
        by_layer[name] = []
        for states in layers:
            x = states[known]
            held_out = fitted & ~inner
            scores = Ridge(x[inner], y[inner]).r2(x[held_out], y[held_out], RIDGES)
            chosen = RIDGES[scores.index(max(scores))]
            (error,), spread = Ridge(x[fitted], y[fitted]).errors(x[~fitted], y[~fitted], [chosen])
            by_layer[name].append(1 - float(error.sum() / spread.sum()))
        tested = of[~fitted] - len(fitting)
        errors[name], spreads[name] = (
            torch.zeros(len(testing), dtype=torch.float64).index_add(0, tested, each).tolist()
            for each in (error, spread)
        )
    return ProbeScores(arm, seed, [c.name for c in testing], errors, spreads, by_layer)


def probe_checkpoint(
    model: Path,
    *,
    arm: str = "",
    seed: int = 0,
    frames: int = 6,
    fitting: int = 384,
    testing: int = 256,
    first_seed: int = 4_000_000,
    stores: Path = Path("outputs/worlds"),
) -> ProbeScores:
    """Probe the checkpoint of a student on worlds of which no arm was trained.

    Args:
        model: folder of the checkpoint.
        arm: its name in the scores; the name of the run's folder where it is empty.
        seed: its training seed, for the scores.
        frames: of a clip.
        fitting: clips to fit on.
        testing: clips to score on.
        first_seed: of the worlds.
        stores: folder of rendered worlds.
    """
    world = WorldConfig(frames=frames, motion=True, sizes="natural", rescale=(1.0, 1.0))
    store = WorldStore(world, range(first_seed, first_seed + fitting + testing), RENDERED, root=stores)
    store.render()
    clips = list(store)
    answerer = Answerer.from_folder(model)
    name = arm or model.parent.name
    return probe(answerer.model, answerer.processor, clips[:fitting], clips[fitting:], name, seed)
