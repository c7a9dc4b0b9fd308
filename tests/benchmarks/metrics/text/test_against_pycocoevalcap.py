"""Against the code that papers score captions with, where it is installed."""

from __future__ import annotations

import random

import pytest

from benchmarks.metrics.text.bleu import bleu, bleu_counts
from benchmarks.metrics.text.cider import cider
from benchmarks.metrics.text.java import meteor, tokenize_ptb, why_not
from benchmarks.metrics.text.rouge import rouge_l

WORDS = ("a", "b", "c", "d", "the", "red", "chair", "of", "it's", ",", ".")


def corpora(seed: int = 0) -> list[tuple[list[str], list[list[str]]]]:
    """Draw 100 corpora of 1 to 20 items, 1,000 items or more together."""
    draw = random.Random(seed)

    def text(fewest: int) -> str:
        return " ".join(draw.choice(WORDS) for _ in range(draw.randint(fewest, 9)))

    sizes = [draw.choice((1, 2, 5, 20, 30)) for _ in range(100)]
    return [
        ([text(0) for _ in range(n)], [[text(1) for _ in range(draw.randint(1, 4))] for _ in range(n)]) for n in sizes
    ]


def test_scores_are_those_of_pycocoevalcap(capsys: pytest.CaptureFixture[str]) -> None:
    package = pytest.importorskip("pycocoevalcap.bleu.bleu", reason="pycocoevalcap is not installed")
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    items = 0
    for texts, references in corpora():
        said, truth = {n: [text] for n, text in enumerate(texts)}, dict(enumerate(references))
        counts = sum(bleu_counts(*pair) for pair in zip(texts, references, strict=True))
        theirs = [scorer.compute_score(truth, said) for scorer in (package.Bleu(), Rouge(), Cider())]
        assert bleu(counts).tolist() == pytest.approx(theirs[0][0], abs=1e-12)
        assert [rouge_l(*pair) for pair in zip(texts, references, strict=True)] == pytest.approx(
            theirs[1][1], abs=1e-12
        )
        assert cider(texts, references) == pytest.approx(theirs[2][1], abs=1e-12)
        items += len(texts)
    assert items >= 1000


def test_meteor_and_the_tokenizer_need_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert why_not().startswith("needs Java and pycocoevalcap")
    with pytest.raises(ImportError, match="there is no `java`"):
        meteor(["a"], [["a"]])


@pytest.mark.slow
def test_meteor_and_the_tokenizer_run_where_java_is() -> None:
    if missing := why_not():
        pytest.skip(missing)
    references = [["the brown cabinet"], ["two chairs"]]
    assert meteor(["a brown cabinet", "two chairs"], references) > meteor(["a door", "two"], references) > 0
    assert tokenize_ptb(["It's a (brown) cabinet, isn't it?"]) == ["it 's a -lrb- brown -rrb- cabinet is n't it"]
