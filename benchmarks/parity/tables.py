"""The tables of comparisons, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.parity.comparison import Comparison
from benchmarks.report.table import Table


def tables(comparisons: Sequence[Comparison]) -> str:
    """Write a table of prompts and one of layers for each dtype, and a sentence about each."""
    parts = []
    for one in comparisons:
        parts += [f"## {one.dtype}", _prompts(one)]
        if one.tolerance.layers:
            parts.append(_layers(one))
        parts.append(verdict(one))
    return "\n\n".join(parts)


def verdict(comparison: Comparison) -> str:
    """Say whether all prompts agree, or which is the first that does not."""
    return f"{comparison.dtype}: {comparison.first_difference or 'all prompts agree'}."


def _prompts(comparison: Comparison) -> str:
    rows = []
    for prompt in comparison.prompts:
        token = "none" if prompt.gap is None else f"{prompt.different_token} ({prompt.gap:.1e})"
        rows.append(
            [
                prompt.name,
                "equal" if prompt.different_id is None else f"differ from place {prompt.different_id}",
                f"{prompt.logits:.1e}",
                f"{prompt.equal_top} of {prompt.steps}",
                token,
                "yes" if comparison.difference(prompt) is None else "no",
            ]
        )
    logits = f"logits (tolerance {comparison.tolerance.logits:.1e})"
    return Table(["prompt", "ids", logits, "same top 5", "first other token (gap)", "agrees"], rows).markdown()


def _layers(comparison: Comparison) -> str:
    rows = [
        [name, f"{error:.1e}", f"{limit:.1e}", prompt, "yes" if error <= limit else "no"]
        for name, error, prompt, limit in comparison.worst_by_layer
    ]
    return Table(["hidden state", "largest relative error", "tolerance", "prompt", "agrees"], rows).markdown()
