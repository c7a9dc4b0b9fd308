"""`region4d serve` refuses what it cannot serve in one line; pages are tested in tests/region4d/app/."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.programs.command_line import Run, assert_one_line

ROOT = Path(__file__).resolve().parents[3]


def test_a_third_model_is_refused(region4d: Run) -> None:
    words = [word for name in ("a", "b", "c") for word in ("--model", name)]
    assert_one_line(region4d("serve", *words), "at most 2 models", "a, b, c")


@pytest.mark.long
def test_a_folder_that_does_not_exist_is_refused(region4d: Run, tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    assert_one_line(region4d("serve", "--folder", str(tmp_path / "nothing")), "nothing", "is not a folder")


def test_a_folder_without_records_is_no_study(region4d: Run, tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    assert_one_line(region4d("serve", "--study", str(tmp_path)), "holds no records of a study", "results/compare/quick")


def test_a_model_that_does_not_exist_is_refused(region4d: Run) -> None:
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    assert_one_line(region4d("serve", "--model", "sr3d_enormous"), "sr3d_enormous")


def test_a_placement_that_is_impossible_is_refused(region4d: Run) -> None:
    assert_one_line(region4d("serve", "--bits", "3"), "4 or 8")
    assert_one_line(region4d("serve", "--bits", "8", "--dtype", "int8"), "--dtype")


def test_a_segmenter_that_does_not_exist_is_refused(region4d: Run) -> None:
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    assert_one_line(region4d("serve", "--segmenter", "nowhere"), "no segmenter 'nowhere' here", "hf download")


def test_a_port_that_is_taken_is_refused(region4d: Run) -> None:
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        code, out, err = region4d("serve", "--port", port)
    assert code == 2
    assert out == ""
    last = err.strip().splitlines()[-1]
    assert f"port {port}" in last
    assert "--port" in last


@pytest.mark.long
def test_a_server_says_its_address_answers_and_ends_at_an_interrupt(tmp_path: Path) -> None:
    pytest.importorskip("gradio", reason="needs gradio, of the extra app")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "region4d", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "http://127.0.0.1:" in line)
        with urllib.request.urlopen(line.split()[1]) as page:
            assert b"region4d" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
    assert list(tmp_path.iterdir()) == []
