"""Variance of signals that linear probes explain (R2), with intervals over clips."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.comparison.bootstrap import Estimate, draw_weights, estimate_of_draws
from benchmarks.comparison.comparison import seeded
from benchmarks.records.manifest import Manifest
from scenes.storage.atomic import write_text

RESAMPLES = 10_000


@dataclass(frozen=True)
class ProbeScores:
    """Squared errors of one model's probes on each test clip, and squared distances from the mean, by signal.

    R2 over clips is 1 - sum(error) / sum(spread). Both are those of the last layer; `by_layer` holds R2 at every layer,
    embeddings first.
    """

    arm: str
    seed: int
    clips: Sequence[str]
    error: Mapping[str, Sequence[float]]
    spread: Mapping[str, Sequence[float]]
    by_layer: Mapping[str, Sequence[float]]

    def r2(self, signal: str) -> float:
        """Compute R2 of a signal over all clips."""
        return 1 - sum(self.error[signal]) / sum(self.spread[signal])


def write_probes(path: Path, scores: ProbeScores, manifest: Manifest) -> None:
    """Write scores with their provenance."""
    text = json.dumps({"scores": asdict(scores), "manifest": asdict(manifest)}, indent=1, default=str)
    write_text(path, text + "\n")


def parse_probes(data: Mapping[str, Any], where: str) -> ProbeScores:
    """Parse the scores in the data of `write_probes`; `where` names them in error messages.

    Raises:
        ValueError: the data have no scores.
    """
    try:
        return ProbeScores(**data["scores"])
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{where} holds no scores of a linear probe ({error!r}): run the linear probes again"
        ) from None


def r2_estimate(scores: Sequence[ProbeScores], signal: str) -> Estimate:
    """Estimate R2 of one arm as the mean over seeds; the bootstrap resamples clips, and seeds if there are several."""
    return estimate_of_draws(_mean(scores, signal), _draw([scores], signal)[0])


def r2_difference(first: Sequence[ProbeScores], second: Sequence[ProbeScores], signal: str) -> Estimate | None:
    """Estimate first - second, paired by clip and seed; None where the arms share no seed."""
    seeds = {s.seed for s in first} & {s.seed for s in second}
    if not seeds:
        return None
    first, second = (sorted((s for s in arm if s.seed in seeds), key=lambda s: s.seed) for arm in (first, second))
    first_draws, second_draws = _draw([first, second], signal)
    return estimate_of_draws(_mean(first, signal) - _mean(second, signal), first_draws - second_draws)


def _mean(scores: Sequence[ProbeScores], signal: str) -> float:
    return sum(s.r2(signal) for s in scores) / len(scores)


def _draw(arms: Sequence[Sequence[ProbeScores]], signal: str) -> list[torch.Tensor]:
    """Resample R2 of several arms with the same clips and seeds."""
    generator = seeded()
    clips = draw_weights(RESAMPLES, len(arms[0][0].clips), generator)
    seeds = draw_weights(RESAMPLES, len(arms[0]), generator)
    draws = []
    for arm in arms:
        error, spread = (
            torch.tensor([getattr(s, part)[signal] for s in arm], dtype=torch.float64) for part in ("error", "spread")
        )
        r2 = 1 - (clips @ error.T) / (clips @ spread.T)
        draws.append((seeds * r2).sum(1) / seeds.sum(1))
    return draws
