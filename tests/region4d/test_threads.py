"""Threads of torch sleep while they wait, unless the user chose otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from region4d.threads import POLICY, WAITING, wait_asleep, waiting
from tests.conftest import REPOSITORY


def spin_count(**chosen: str) -> str:
    """Run a command that imports torch, and read how long its OpenMP runtime says that threads spin."""
    kept = {name: value for name, value in os.environ.items() if name not in WAITING}
    environment = {**kept, "PYTHONPATH": str(REPOSITORY), "OMP_DISPLAY_ENV": "VERBOSE", **chosen}
    command = [sys.executable, "-m", "region4d", "ask", "missing.png", "What colour is it?"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    found = [line for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    if not found:
        pytest.skip("this torch does not use libgomp")
    return found[0].split("=")[1].strip().strip("'")


@pytest.mark.long
def test_the_command_line_lets_the_threads_of_torch_sleep_while_they_wait() -> None:
    assert spin_count() == "0"


@pytest.mark.long
def test_how_threads_wait_is_left_to_a_user_who_chose_it() -> None:
    assert spin_count(GOMP_SPINCOUNT="12345") == "12345"


@pytest.mark.parametrize("name", WAITING)
def test_no_variable_that_is_set_is_replaced(name: str) -> None:
    environment = {name: "7"}
    wait_asleep(environment)
    assert environment == {name: "7"}
    assert waiting(environment) == f"{name}=7"


def test_waiting_is_described() -> None:
    environment: dict[str, str] = {}
    assert waiting(environment) == "spinning"
    wait_asleep(environment)
    assert waiting(environment) == f"{POLICY}=PASSIVE"
