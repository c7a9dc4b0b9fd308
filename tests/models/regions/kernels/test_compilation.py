"""The kernels compile for an H200 on a machine without a GPU: Triton brings the assembler."""

from pathlib import Path
from typing import Any

import pytest

triton = pytest.importorskip("triton")
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from models.regions.kernels import pool, resample  # noqa: E402

TILING = {
    **dict.fromkeys(("row_first", "col_first"), "*i32"),
    **dict.fromkeys(("row_weight", "col_weight"), "*fp32"),
    **dict.fromkeys(("channels", "height", "width", "new_height", "new_width", "tile", "tile_cols", "tiles"), "i32"),
}
SIZES = {"ROW_RUN": 6, "COL_RUN": 6, "BLOCK_Y": 32, "BLOCK_X": 64, "SPAN": 128}
KERNELS = [
    (
        resample._resample_kernel,
        {"source": "*u8", "target": "*u8", **TILING},
        {**SIZES, "CUT": True, "ANY": False, "ROUND": True},
    ),
    (
        resample._resample_kernel,
        {"source": "*u8", "target": "*u8", **TILING},
        {**SIZES, "CUT": True, "ANY": True, "ROUND": True},
    ),
    (
        resample._resample_kernel,
        {"source": "*bf16", "target": "*bf16", **TILING},
        {**SIZES, "CUT": False, "ANY": False, "ROUND": False},
    ),
    (
        pool._area_kernel,
        {"masks": "*u8", "area": "*fp32", **dict.fromkeys(("height", "width", "rows", "cols"), "i32")},
        {"COLS": 32, "RUN": 16},
    ),
    (
        pool._pool_kernel,
        {
            "features": "*bf16",
            "area": "*fp32",
            "share": "*fp32",
            "tile": "*i64",
            "of_entry": "*fp32",
            **dict.fromkeys(("tiles", "cells", "channels"), "i32"),
        },
        {"CELLS": 32, "CHANNELS": 128},
    ),
    (
        pool._spread_kernel,
        {
            "grad": "*bf16",
            "area": "*fp32",
            "share": "*fp32",
            **dict.fromkeys(("region", "order", "start"), "*i64"),
            "spread": "*bf16",
            **dict.fromkeys(("cells", "channels"), "i32"),
        },
        {"CELLS": 32, "CHANNELS": 128},
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "types", "constants"), KERNELS)
def test_a_kernel_compiles_for_an_h200(
    kernel: Any, types: dict[str, str], constants: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    signature = {name: types.get(name, "constexpr") for name in kernel.arg_names}
    compiled = triton.compile(ASTSource(kernel, signature, constants), target=GPUTarget("cuda", 90, 32))
    assert "sm_90" in compiled.asm["ptx"]
    assert compiled.asm["cubin"]
