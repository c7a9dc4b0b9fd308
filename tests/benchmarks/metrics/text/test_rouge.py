from __future__ import annotations

import pytest

from benchmarks.metrics.text.rouge import longest_common, rouge_l


def test_the_longest_common_subsequence_may_have_gaps() -> None:
    assert longest_common("abcd", "axcd") == 3
    assert longest_common("ab", "ba") == 1


def test_the_best_precision_and_the_best_recall_may_be_of_different_references() -> None:
    # precision 1 by the second, recall 1 by the first: F is 1
    assert rouge_l("a b", ["a", "a b c d"]) == pytest.approx(1.0)
    # precision 1/2 and recall 1/4, weighed by 1.2 squared
    assert rouge_l("a x", ["a b c d"]) == pytest.approx(2.44 * 0.125 / (0.25 + 1.44 * 0.5))
    assert rouge_l("x", ["a"]) == 0.0
