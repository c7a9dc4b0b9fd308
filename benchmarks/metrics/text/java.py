"""What only Java computes, through pycocoevalcap: METEOR and the tokenizer of the Penn Treebank."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence

REMEDY = "needs Java and pycocoevalcap (pip install pycocoevalcap)"


def why_not() -> str:
    """Say what is missing; empty where nothing is."""
    if shutil.which("java") is None:
        return f"{REMEDY}: there is no `java`"
    return "" if importlib.util.find_spec("pycocoevalcap") else f"{REMEDY}: there is no pycocoevalcap"


def meteor(texts: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """Compute METEOR 1.5 (Denkowski and Lavie 2014) of a corpus; it is not a mean over items.

    Raises:
        ImportError: Java or pycocoevalcap is missing.
    """
    require_java()
    from pycocoevalcap.meteor.meteor import Meteor

    said = {number: [_line(text)] for number, text in enumerate(texts)}
    truth = {number: list(map(_line, of_item)) for number, of_item in enumerate(references)}
    return float(Meteor().compute_score(truth, said)[0])


def tokenize_ptb(texts: Sequence[str]) -> list[str]:
    """Split words as COCO's evaluation of captions does: Stanford's PTBTokenizer, lower case, without punctuation.

    Raises:
        ImportError: Java or pycocoevalcap is missing.
    """
    require_java()
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    found = PTBTokenizer().tokenize({number: [{"caption": _line(text)}] for number, text in enumerate(texts)})
    return [found[number][0] for number in range(len(texts))]


def require_java() -> None:
    """Raise ImportError where Java or pycocoevalcap is missing."""
    if missing := why_not():
        raise ImportError(missing)


def _line(text: str) -> str:
    """Write a text as one line without the separator of METEOR's protocol."""
    return " ".join(text.replace("|||", " ").split())
