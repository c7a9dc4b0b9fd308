from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scenes.readers.video import read_video
from scenes.readers.video.tone_mapping import HLG, PQ, tone_map
from tests.support.clips.odd_footage import write_codes


def mapped(codes: np.ndarray, transfer: int) -> np.ndarray:
    out = np.zeros(codes.shape, np.uint8)
    tone_map(codes, transfer, out)
    return out


def grey(signal: float) -> np.ndarray:
    return np.full((1, 1, 3), round(signal * 65535), np.uint16)


# 58 % of PQ is 203 nits (BT.2408, table 1), 75 % of HLG is 203 nits on a display of 1000 (BT.2408 2.2).
@pytest.mark.parametrize("transfer, white", [(PQ, 0.5806), (HLG, 0.75)])
def test_diffuse_white_of_both_is_the_same_and_nearly_white(transfer: int, white: float) -> None:
    assert mapped(grey(white), transfer)[0, 0].tolist() == pytest.approx([226] * 3, abs=1)


@pytest.mark.parametrize("transfer, peak", [(PQ, 0.7518), (HLG, 1.0)])  # 1000 nits
def test_the_peak_is_white_and_more_is_clipped(transfer: int, peak: float) -> None:
    assert mapped(grey(peak), transfer)[0, 0].tolist() == [255] * 3
    assert mapped(grey(1.0), transfer)[0, 0].tolist() == [255] * 3
    assert mapped(grey(0.0), transfer)[0, 0].tolist() == [0] * 3


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_brighter_stays_brighter(transfer: int) -> None:
    codes = np.repeat(np.arange(0, 65536, 16, dtype=np.uint16)[:, None, None], 3, axis=2)
    steps = np.diff(mapped(codes, transfer)[:, 0].astype(int), axis=0)
    assert (steps >= 0).all()
    assert (steps <= 1).all()  # no bands


# Codes and colours by ffmpeg 9: zscale=t=linear:npl=203:agamma=0, zscale=p=bt709, tonemap=mobius:param=0.5:desat=0:
# peak=4.926108, zscale=t=iec61966-2-1. The codes are sRGB colours, white at 203 (PQ) and 300 nits (HLG).
@pytest.mark.parametrize(
    "transfer, codes, expected",
    [
        (PQ, [31385, 19921, 15774], [199, 30, 30]),
        (PQ, [18251, 15159, 33636], [30, 30, 199]),
        (PQ, [28702, 35226, 21453], [19, 212, 19]),
        (PQ, [38055, 38055, 38055], [227, 227, 227]),
        (PQ, [28037, 28037, 28037], [128, 128, 128]),
        (PQ, [37237, 37084, 23403], [225, 216, 17]),
        (PQ, [30522, 24801, 17987], [180, 90, 40]),
        (HLG, [44680, 18542, 12126], [220, 34, 34]),
        (HLG, [16968, 12214, 51139], [34, 34, 220]),
        (HLG, [35420, 49387, 19136], [21, 229, 21]),
        (HLG, [53274, 53274, 53274], [238, 238, 238]),
        (HLG, [52165, 51883, 21930], [237, 228, 18]),
        (HLG, [42271, 28234, 14996], [208, 105, 48]),
    ],
)
def test_colours_are_those_of_ffmpeg(transfer: int, codes: list[int], expected: list[int]) -> None:
    got = mapped(np.array(codes, np.uint16).reshape(1, 1, 3), transfer)
    assert got[0, 0].tolist() == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_video_of_high_dynamic_range_is_read_as_srgb(tmp_path: Path, transfer: int) -> None:
    codes = np.random.default_rng(0).integers(0, 65536, (6, 8, 3)).astype(np.uint16).repeat(20, 0).repeat(20, 1)
    clip = read_video(write_codes(tmp_path / "a.mkv", codes, transfer))
    expected = mapped(codes, transfer).transpose(2, 0, 1)
    assert np.abs(clip.video[0].numpy().astype(int) - expected).max() <= 1  # swscale rounds codes
