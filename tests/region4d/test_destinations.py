"""Every verb refuses, in one line and before it works, a place that it cannot write to."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from PIL import Image

from tests.support.programs.command_line import Run, assert_one_line

BLOCKED = "HERE/file"  # a file; nothing can be in it
LINES = (
    "worlds -o {0}/x",
    "worlds -o {0}",
    "train experiment=sr3d/tiny_static arm=2d output={0}/x",
    "train experiment=sr3d/tiny_static arm=2d output={0}",
    "extract extractor=pixels clips=worlds_few output={0}/x",
    "bench model=constant:A task=worlds_static output={0}",
    "study compare/quick output={0}",
    "study compare/quick runs={0}/x output=HERE/new",
    "linear-probe checkpoint=rgpt4d_tiny output={0}/x.json",
    "linear-probe checkpoint=rgpt4d_tiny output=HERE",
    "lift HERE/a.png --region 0:1,1,9,9 -o {0}/x",
    "lift HERE/a.png --region 0:1,1,9,9 -o {0}",
    "lift HERE/a.png --region 0:1,1,9,9 -o HERE/new --save-masks {0}",
    "ask HERE/a.png 'Is <region0> red?' --region 0:1,1,9,9 --picture HERE/a.xyz",
    "ask HERE/a.png 'Is <region0> red?' --region 0:1,1,9,9 --picture HERE/out",
    "ask HERE/a.png 'Is <region0> red?' --region 0:1,1,9,9 --picture HERE",
    "ask HERE/a.png 'Is <region0> red?' --region 0:1,1,9,9 --picture {0}/x.png",
    "ask HERE/a.png 'Is <region0> red?' --region 0:1,1,9,9 -o {0}/x.html",
    "ask HERE/a.png 'Is <region0> red?' --region 0:1,1,9,9 --save-masks {0}",
    "prepare HERE/a.png -o {0}",
    "prepare HERE/a.png -o {0}/x",
    "prepare HERE/a.png -o HERE/new --picture HERE/x.txt",
    "demo -o {0}",
    "demo -o {0}/x",
    "convert --vision a --language b -o {0}/x",
    "data check HERE/file --picture HERE/x.txt",
    "data convert llava HERE/file --media HERE -o {0}",
    "data convert llava HERE/file --media HERE -o {0}/x.jsonl",
    "data lmms-eval worlds_static -o {0}/x",
    "parity sr3d_tiny_3d HERE -o {0}/x",
    "parity sr3d_tiny_3d HERE -o HERE",
    "records table HERE HERE --output HERE",
    "records card HERE item -o HERE/x.txt",
    "records real-rgbd HERE --output {0}",
    "records poses --output {0}",
    "diff HERE HERE -o {0}",
    "regionize --worlds 1 --detector oracle -o {0}",
    "speed regions -o HERE",
    "speed worlds -o {0}/x.json",
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_place_that_cannot_be_written_is_refused_before_the_work(region4d: Run, tmp_path: Path, line: str) -> None:
    (tmp_path / "file").touch()
    Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
    before = sorted(tmp_path.rglob("*"))
    words = shlex.split(line.format(BLOCKED).replace("HERE", str(tmp_path)))
    code, out, err = region4d(*words)
    assert_one_line((code, out, err))
    assert any(reason in err for reason in ("is not a folder", "is a folder", "is a file", "exists", "end ")), err
    assert sorted(tmp_path.rglob("*")) == before
