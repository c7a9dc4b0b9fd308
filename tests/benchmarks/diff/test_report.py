from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.diff.pairing import join
from benchmarks.diff.report import diff_page, short, write_diff
from benchmarks.diff.run import Run
from benchmarks.records.manifest import Manifest
from tests.support.studies import toy_records

MANIFEST = Manifest({"command": "region4d diff a b"}, "abc", "a machine", {}, "", "2026-01-01")


def test_a_report_has_the_difference_and_the_items_that_changed(tmp_path: Path) -> None:
    bad = [replace(r, prediction="<b>|\n" + r.prediction) for r in toy_records(120, ["bad"])]
    runs = Run("a", bad, "lmms-eval", "hit"), Run("b", toy_records(119, ["good"]), "region4d", "hit")
    diff = join(*runs, ("2d", "3d"))
    write_diff(diff_page(diff, runs, MANIFEST, tmp_path), diff, tmp_path)
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    assert "3d scores higher than 2d (+0.496 [" in text
    assert "238 items in 119 clusters; 118 gained, 0 lost. 2 items are in 2d alone and left out." in text
    assert "| all items | 238 |" in text
    assert "## Gained by 3d\n\n118 items. The first 50 are shown." in text
    assert "## Lost by 3d\n\n0 items." in text
    assert "<b>\\| 9.0 m" in text
    assert "<b>|" not in page  # escaped: an answer is text, not markup
    changed = [json.loads(line) for line in (tmp_path / "changed.jsonl").read_text().splitlines()]
    assert len(changed) == 118
    assert all(line["scores"] == [0.0, 1.0] for line in changed)


def test_a_long_answer_is_cut_and_stays_on_its_line() -> None:
    assert short("a\n b") == "a b"
    assert short("x" * 80) == "x" * 59 + "…"


def test_items_link_to_footage_that_exists(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a b.mp4").write_bytes(b"")
    media = ["", "", "videos/a b.mp4", "videos/lost.mp4", "", "", "https://example.org/c.mp4", "javascript:alert(1)"]
    bad, good = (
        [replace(r, facts={**r.facts, "media": name}) for r, name in zip(toy_records(4, [arm]), media, strict=True)]
        for arm in ("bad", "good")
    )
    manifest = replace(MANIFEST, config={"task": {"folder": str(tmp_path)}})
    runs = Run("a", bad, "region4d", "hit", manifest), Run("b", good, "lmms-eval", "hit")
    diff, report = join(*runs, ("2d", "3d")), tmp_path / "out" / "diff"
    write_diff(diff_page(diff, runs, MANIFEST, report), diff, report)
    page, text = (report / "report.html").read_text(), (report / "report.md").read_text()
    changed = [json.loads(line).get("media") for line in (report / "changed.jsonl").read_text().splitlines()]
    assert changed == ["../../videos/a%20b.mp4", None, "https://example.org/c.mp4", None]
    assert text.count("](../../videos/a%20b.mp4) |") == page.count('<a href="../../videos/a%20b.mp4">') == 1
    assert "javascript" not in page + text
