"""Where tests of Triton kernels run: on a GPU, or by Triton's interpreter on the CPU in a process of its own."""

import os

import pytest

INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
DEVICE = "cpu" if INTERPRETED else "cuda"
MARKS = [] if INTERPRETED else [pytest.mark.gpu]
