"""A crowd of visitors: nothing is crossed, and the figures are those of its questions."""

from __future__ import annotations

import os

import pytest
from rich.progress import Progress

from region4d.app.systems import System

try:
    from region4d.app.load import FIRST_SEED, Asked, Crowd, Load, known_answers, resident_gb
except ImportError:
    pytest.skip("needs gradio, of the extra app", allow_module_level=True)


@pytest.mark.long
def test_no_visitor_gets_the_answer_of_another(site: str, systems: list[System]) -> None:
    expected = [known_answers(systems[0], FIRST_SEED + k) for k in range(2)]
    with Progress() as progress:
        bar = progress.add_task("asking")
        asked = Crowd(site, expected, progress).ask(6, bar)
        crossed = Crowd(site, expected[::-1], progress).ask(2, bar)
    assert [each.right for each in asked] == [True] * 6
    assert not any(each.right for each in crossed)  # the check itself: answers of the other world are wrong


def test_figures_of_a_load() -> None:
    load = Load(8, [Asked(k / 10, k != 3) for k in range(21)], [Asked(1.0, True)], [1.0, 1.5, *[2.0] * 10])
    figures = load.figures()
    assert (figures["p50_s"], figures["p95_s"]) == (1.0, 1.9)
    assert (figures["questions"], figures["right"]) == (21, 20)
    assert "| resident memory: all clips open, after the questions | 1.00 GB, 1.50 GB |" in load.table()


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs /proc")
def test_memory_of_a_process_is_read() -> None:
    assert 0.05 < resident_gb(os.getpid()) < 20
