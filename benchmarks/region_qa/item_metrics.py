"""The metrics that score one answer, by the name under which items ask for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from benchmarks.metrics import mean_relative_accuracy, ratio_accuracy
from benchmarks.region_qa.answer_parser import Parsed, parse_answer
from benchmarks.region_qa.published_parsers.dsr_bench import dsr_bench
from benchmarks.region_qa.published_parsers.object_classes import class_match, class_named
from benchmarks.region_qa.published_parsers.scene_answers import (
    clean_match,
    exact_match,
    refined_match,
    scan2cap_rouge_l,
)
from benchmarks.region_qa.published_parsers.spatialrgpt import abs_rel, error_deg, read_spatialrgpt, spatialrgpt
from benchmarks.region_qa.published_parsers.sti_bench import sti_bench
from benchmarks.region_qa.published_parsers.vsibench import vsibench, vsibench_lmms_eval
from benchmarks.region_qa.tasks.task import Item

# item, answer as generated, what our parser read -> 0 to 1; None where the answer is left out of the mean
ItemMetric = Callable[[Item, str, Parsed], float | None]


def read_answer(item: Item, prediction: str) -> Parsed:
    """Read an answer with our parser, or by the rule of the item's first metric where it has one (`READERS`).

    An answer in words, of an item with references, is itself what is read.
    """
    if item.metrics[0] in READERS:
        return READERS[item.metrics[0]](item, prediction)
    if not item.references:
        return parse_answer(prediction, item.question.options, item.question.unit)
    words = prediction.strip()
    return Parsed(words) if words else Parsed(None, "empty answer")


def accuracy(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score the right letter, or a number within a ratio of 1.25 of the truth."""
    if item.question.value is None:
        return float(parsed.value == item.question.answer)
    return float(ratio_accuracy(_number(parsed), np.array(item.question.value)))


def mra(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score a number by mean relative accuracy, and a letter as `accuracy` does."""
    if item.question.value is None:
        return accuracy(item, prediction, parsed)
    return float(mean_relative_accuracy(_number(parsed), np.array(item.question.value)))


def _number(parsed: Parsed) -> np.ndarray:
    return np.array(parsed.value if isinstance(parsed.value, float) else np.nan)


METRICS: Mapping[str, ItemMetric] = MappingProxyType(
    {
        "accuracy": accuracy,
        "mra": mra,
        "vsibench": vsibench,
        "vsibench_lmms_eval": vsibench_lmms_eval,
        "sti_bench": sti_bench,
        "spatialrgpt": spatialrgpt,
        "abs_rel": abs_rel,
        "error_deg": error_deg,
        "dsr_bench": dsr_bench,
        "class_named": class_named,
        "class_match": class_match,
        "exact_match": exact_match,
        "clean_match": clean_match,
        "refined_match": refined_match,
        "scan2cap_rouge_l": scan2cap_rouge_l,
    }
)
ERRORS = frozenset({"abs_rel", "error_deg"})  # metrics of which less is better
READERS: Mapping[str, Callable[[Item, str], Parsed]] = MappingProxyType({"spatialrgpt": read_spatialrgpt})


def metric_named(name: str) -> ItemMetric:
    """Find a metric.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in METRICS:
        raise ValueError(f"no metric '{name}': items name one of {', '.join(METRICS)}")
    return METRICS[name]
