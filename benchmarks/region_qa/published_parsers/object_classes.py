"""Classes of objects, as SpatialRGPT's evaluation on COCO reads them."""

from __future__ import annotations

from benchmarks.region_qa.answer_parser import Parsed, plain
from benchmarks.region_qa.tasks.task import Item


def class_name(category: str) -> str:
    """Write the name of a category as an answer names it: in lower case, with blanks."""
    return category.replace("_", " ").lower()


def class_said(prediction: str) -> str:
    """Read the class of an answer for average precision: what stands before the first comma, in lower case."""
    return prediction.strip().split(",")[0].lower()


def class_named(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score 1 where the answer is the name of the class, whatever its case, article and full stop."""
    return float(plain(prediction) == item.question.answer)


def class_match(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score 1 where the answer is the name of the class, letter by letter in lower case, and nothing else."""
    return float(prediction.strip() == item.question.answer)
