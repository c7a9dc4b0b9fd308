"""STI-Bench: a letter in one of six forms."""

from __future__ import annotations

import re

from benchmarks.region_qa.answer_parser import Parsed
from benchmarks.region_qa.tasks.task import Item

_LETTER = r"([A-E])"
_FORMS = [  # the first one that a text has decides
    re.compile(form, re.IGNORECASE | re.MULTILINE)
    for form in (
        rf"\({_LETTER}\)",
        rf"Ans\s*=\s*['\"]?{_LETTER}",
        rf"Answer\s*[:=]\s*{_LETTER}",
        rf"Option\s+{_LETTER}",
        rf"\b{_LETTER}\s*(?:is|was)\s*correct",
        rf"\b{_LETTER}[.)]\s*$",
    )
]


def sti_bench(item: Item, prediction: str, parsed: Parsed) -> float:
    """Score as STI-Bench does for open models: a letter in one of six forms, else the last character counts."""
    found = next((match for form in _FORMS if (match := form.search(prediction))), None)
    said = prediction.strip()[-1:] if found is None else found[1].upper()
    return float(said == item.question.answer)
