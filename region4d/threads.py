"""How torch's threads wait for each other: asleep, so that another process can use the core.

By default the OpenMP runtime of torch (libgomp) spins for some milliseconds before a waiting thread sleeps. On cores
that two processes share, a thread then burns the time that the other process needs to arrive where it is waited for.
Waiting asleep changes neither the number of threads nor the order of sums.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

POLICY = "OMP_WAIT_POLICY"
WAITING = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # of OpenMP, of libgomp, of Intel's and LLVM's runtimes


def wait_asleep(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let OpenMP threads sleep while they wait, unless the user chose how they wait; call before torch is imported."""
    if not any(name in environment for name in WAITING):
        environment[POLICY] = "PASSIVE"


def waiting(environment: MutableMapping[str, str] = os.environ) -> str:
    """Describe how OpenMP threads wait: the variable that decides, or "spinning" where none is set."""
    return next((f"{name}={environment[name]}" for name in WAITING if name in environment), "spinning")
