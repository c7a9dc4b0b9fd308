"""A replay against its golden: what differs, by how much, and whether that is rounding.

In float32 two correct programs differ by the order of their sums: layers of VILA's three goldens by up to 2e-5, and by
7e-5 where the epsilon of a norm is 1e-5 instead of 1e-6. `EXACT` lies between.

In half precision there is no such constant: errors grow with depth and width. There the tolerance is `MARGIN` times
what rounding alone costs this checkpoint on these prompts. That is measured: the float32 program is run again with its
weights and the output of every module rounded to the dtype, and compared with itself. `MARGIN` is there because
rounding inside of modules is left out, and because the largest of a few values scatters: layers of VILA's goldens
differ by .8 to 2.5 times the measured cost. A golden in half precision has the rounding of its own dtype on top.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch

from benchmarks.parity.golden import Golden, RecordedPrompt
from benchmarks.parity.replay import Replay, replay
from models.sr3d.placement import Placement

EXACT = 5e-5  # of a hidden state, or of the largest recorded logit
MARGIN = 4.0
BEST = 5


@dataclass(frozen=True)
class Tolerance:
    """Largest differences that are rounding: of logits (absolute), and of each layer (relative)."""

    logits: float
    layers: tuple[float, ...]


@dataclass(frozen=True)
class PromptDifference:
    """How a prompt differs. Places and steps count from 0; None where nothing differs, or nothing was recorded.

    `gap` is by how many logits, at least, the first differing token was worse than the recorded one, which two tokens
    can be that differ by twice the tolerance; infinite where an answer ends, and the other one does not.
    """

    name: str
    different_id: int | None
    logits: float
    equal_top: int
    steps: int
    different_token: int | None
    gap: float | None
    layers: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """A checkpoint in one dtype against its golden."""

    dtype: str
    tolerance: Tolerance
    prompts: tuple[PromptDifference, ...]

    @property
    def agrees(self) -> bool:
        """Whether all differences are rounding."""
        return self.first_difference is None

    @property
    def first_difference(self) -> str | None:
        """Name the first prompt, and of it the first layer, that differ by more than rounding; None if none does."""
        for prompt in self.prompts:
            if where := self.difference(prompt):
                return f"prompt '{prompt.name}' is the first that differs, {where}"
        return None

    def difference(self, prompt: PromptDifference) -> str | None:
        """Name where a prompt differs by more than rounding, in the order of the computation; None if nowhere."""
        if prompt.different_id is not None:
            return f"in its ids, from place {prompt.different_id}"
        for name, error, limit in zip(self.layer_names, prompt.layers, self.tolerance.layers, strict=False):
            if not error <= limit:  # also NaN
                return f"at {name} (relative error {error:.1e}, tolerance {limit:.1e})"
        if not prompt.logits <= self.tolerance.logits:
            return f"in its logits (by {prompt.logits:.1e}, tolerance {self.tolerance.logits:.1e})"
        if prompt.gap is not None and not prompt.gap <= 2 * self.tolerance.logits:
            return f"in its greedy tokens, from token {prompt.different_token} (which was worse by {prompt.gap:.1e})"
        return None

    @property
    def layer_names(self) -> list[str]:
        """Name the hidden states: embeddings, and layers as the weights of the language model count them."""
        count = max(len(prompt.layers) for prompt in self.prompts)
        return ["embeddings", *(f"layers.{k}" for k in range(count - 2)), f"layers.{count - 2} and norm"][:count]

    @property
    def worst_by_layer(self) -> list[tuple[str, float, str, float]]:
        """List per layer its name, the largest relative error, the prompt that has it, and the tolerance."""
        rows = []
        for k, name in enumerate(self.layer_names):
            having = [prompt for prompt in self.prompts if k < len(prompt.layers)]
            worst = max(having, key=lambda prompt: (math.isnan(prompt.layers[k]), prompt.layers[k]))
            rows.append((name, worst.layers[k], worst.name, self.tolerance.layers[k]))
        return rows


def compare_checkpoint(
    folder: str | Path,
    golden: Golden,
    dtypes: Sequence[str],
    device: str | None = None,
    progress: Callable[[Iterable[Replay], str], Iterable[Replay]] = lambda replays, what: replays,
) -> list[Comparison]:
    """Run a checkpoint on the prompts of a golden, in each dtype, and compare.

    Half precision needs a run in float32 besides, and one in float32 with rounding.

    Args:
        folder: Of the checkpoint.
        golden: Recorded of it by another stack.
        dtypes: "float32", "bfloat16" or "float16".
        device: See `models.sr3d.placement.Placement`.
        progress: Shows what is run.

    Raises:
        OSError: There is no such folder.
        ValueError: It holds no SR-3D, or the golden was recorded from another checkpoint.
    """

    for dtype in dtypes:
        Placement(dtype=dtype)  # refuses an unknown one

    def run(dtype: str, rounded: str | None = None) -> list[Replay]:
        what = dtype if rounded is None else f"float32, rounded to {rounded}"
        return list(progress(replay(folder, golden, dtype, device, rounded), what))

    halves = [dtype for dtype in dict.fromkeys([*dtypes, golden.dtype]) if dtype != "float32"]
    exact = run("float32") if halves or "float32" in dtypes else []
    costs = {dtype: rounding_cost(golden, exact, run("float32", dtype)) for dtype in halves}
    comparisons = []
    for dtype in dtypes:
        replays = exact if dtype == "float32" else run(dtype)
        limits = tolerance(golden, [costs[each] for each in (dtype, golden.dtype) if each in costs])
        found = [compare_prompt(prompt, each) for prompt, each in zip(golden.prompts, replays, strict=True)]
        comparisons.append(Comparison(dtype, limits, tuple(found)))
    return comparisons


def rounding_cost(golden: Golden, exact: Sequence[Replay], rounded: Sequence[Replay]) -> Tolerance:
    """Measure what rounding costs: the largest difference of logits, and of each layer, over all prompts."""
    logits, layers = [], []
    for prompt, one, other in zip(golden.prompts, exact, rounded, strict=True):
        for step, known in enumerate(_known(prompt.top_ids, one)):
            logits.append((other.logits[step] - one.logits[step])[known].abs())
        if prompt.hidden is not None:
            layers.append(other.hidden.errors(one.hidden))
    return Tolerance(_largest(logits), tuple(torch.stack(layers).amax(0).tolist()) if layers else ())


def tolerance(golden: Golden, costs: Sequence[Tolerance]) -> Tolerance:
    """Add up what may differ: the order of sums, and the rounding of this dtype and of the golden's."""
    largest = max(float(prompt.top_logits.abs().max()) for prompt in golden.prompts)
    count = max((len(prompt.hidden.last) for prompt in golden.prompts if prompt.hidden is not None), default=0)
    return Tolerance(
        EXACT * largest + MARGIN * sum(cost.logits for cost in costs),
        tuple(EXACT + MARGIN * sum(cost.layers[k] for cost in costs) for k in range(count)),
    )


def compare_prompt(prompt: RecordedPrompt, replayed: Replay) -> PromptDifference:
    """Compare one prompt.

    A token that is among the best here and was not recorded differs by at least its lead over the worst recorded one.
    """
    ids = _known(prompt.top_ids, replayed)
    differences, equal = [], 0
    for step, (known, recorded) in enumerate(zip(ids, prompt.top_logits, strict=True)):
        own = replayed.logits[step]
        kept = prompt.top_ids[step] < len(own)
        best = own.topk(min(BEST, len(own)))
        new = best.values[~torch.isin(best.indices, known)]
        differences += [(own[known] - recorded[kept]).abs(), new - recorded[-1]]
        equal += best.indices.tolist() == known[:BEST].tolist()
    token = _first_difference(replayed.tokens.tolist(), prompt.tokens.tolist())
    gap = None
    if token is not None:
        both = token < min(len(replayed.tokens), len(prompt.tokens))
        gap = prompt.gap(token, int(replayed.tokens[token])) if both else math.inf
    return PromptDifference(
        name=prompt.name,
        different_id=_different_id(replayed, prompt.input_ids.tolist()),
        logits=_largest(differences),
        equal_top=equal,
        steps=len(ids),
        different_token=token,
        gap=gap,
        layers=() if prompt.hidden is None else tuple(replayed.hidden.errors(prompt.hidden).tolist()),
    )


def _known(ids: torch.Tensor, replayed: Replay) -> list[torch.Tensor]:
    """Leave out tokens beyond our vocabulary: rows that VILA appends, or that are cut here."""
    return [row[row < replayed.logits.shape[1]] for row in ids]


def _largest(values: Sequence[torch.Tensor]) -> float:
    """Take the largest value, or NaN where there is one; 0 of none."""
    return float(torch.cat([torch.zeros(1), *values]).max())


def _different_id(replayed: Replay, recorded: list[int]) -> int | None:
    if recorded == replayed.ids:
        return None
    return _first_difference(replayed.tile_ids, recorded)


def _first_difference(own: Sequence[int], recorded: Sequence[int]) -> int | None:
    pairs = enumerate(zip_longest(own, recorded))
    return next((k for k, (one, other) in pairs if one != other), None)


def finite(value: Any) -> Any:
    """Write infinite and NaN numbers as text, which JSON does not have."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def report(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Describe comparisons as JSON."""
    return {
        "agrees": all(one.agrees for one in comparisons),
        "dtypes": {
            one.dtype: {
                "agrees": one.agrees,
                "first_difference": one.first_difference,
                "logit_tolerance": one.tolerance.logits,
                "prompts": [
                    {**vars(each), "layers": list(each.layers), "agrees": one.difference(each) is None}
                    for each in one.prompts
                ],
                "layers": [
                    {"layer": name, "largest_relative_error": error, "prompt": prompt, "tolerance": limit}
                    for name, error, prompt, limit in (one.worst_by_layer if one.tolerance.layers else ())
                ],
            }
            for one in comparisons
        },
    }
