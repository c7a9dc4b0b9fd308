"""DSR-Bench: the first letter A to D of an answer, as VLMEvalKit reads Video-MME."""

from __future__ import annotations

import re

from benchmarks.region_qa.answer_parser import Parsed
from benchmarks.region_qa.tasks.task import Item

_LEADS = (
    "The best answer is",
    "The correct answer is",
    "The answer is",
    "The answer",
    "The best option is",
    "The correct option is",
    "Best answer:",
    "Best option:",
    "Answer:",
    "Option:",
)
_LETTER = re.compile("[ABCD]")


def dsr_bench(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score the first capital A, B, C or D, wherever it stands, after certain lead-ins are removed.

    Source: VLMEvalKit (`videomme.py`), as DSR Suite's evaluation uses it.
    """
    text = prediction.strip()
    for lead in _LEADS:
        text = text.replace(lead, "")
    found = _LETTER.search(text)
    return float(found is not None and found[0] == item.question.answer)
