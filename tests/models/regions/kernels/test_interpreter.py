"""The parity tests of the kernels without a GPU, by Triton's interpreter, which is chosen before its import."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[3]


@pytest.mark.parametrize(
    ("names", "least"),
    [
        pytest.param(("test_resample.py", "test_pool.py"), 20, marks=pytest.mark.long),
        pytest.param(("test_workloads.py",), 1, marks=pytest.mark.slow),
    ],
)
def test_the_kernels_equal_torch_in_tritons_interpreter(names: tuple[str, ...], least: int) -> None:
    pytest.importorskip("triton")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    files = [str(HERE / name) for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--noconftest", *files],
        cwd=REPOSITORY,
        env={**kept, "TRITON_INTERPRET": "1", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= least, done.stdout  # and not: collected, then skipped
