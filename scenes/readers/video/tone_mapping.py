"""High dynamic range (PQ, HLG) to 8-bit sRGB."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float, UInt8, UInt16

PQ, HLG = 16, 18  # transfer characteristics of ITU-T H.273
TRANSFERS = (PQ, HLG)
WHITE_NITS = 203.0  # diffuse white of HDR (BT.2408), white of sRGB
PEAK_NITS = 1000.0  # of the display that HLG is graded for; brighter PQ is clipped
KNEE = 0.5  # linear light up to here, relative to white, does not change
BAND = 64  # rows at a time: bounds the memory
_BT2020_TO_BT709 = np.array(  # linear light; BT.2087
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_BT2020_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)


def tone_map(
    image: UInt16[np.ndarray, "height width rgb"], transfer: int, out: UInt8[np.ndarray, "height width rgb"]
) -> None:
    """Map non-linear BT.2020 RGB of full 16-bit range to sRGB, written into `out`.

    Diffuse white of 203 nits is near white of sRGB: light below half of it keeps its value, brighter light up to 1000
    nits is compressed (Moebius curve, the one of ffmpeg's `tonemap=mobius:param=0.5`, of the largest of the three
    channels, which keeps hue). Colours outside BT.709 are clipped.

    Source: SMPTE ST 2084; ITU-R BT.2100 (HLG), BT.2408 (diffuse white), BT.2087 (primaries).
    """
    for top in range(0, len(image), BAND):
        nits = _linear(transfer)[image[top : top + BAND]]
        if transfer == HLG:  # scene to display light, for a display of 1000 nits: gamma 1.2 of the luminance
            nits *= PEAK_NITS * np.maximum(nits @ _BT2020_LUMA, 1e-6)[..., None] ** np.float32(0.2)
        light = np.maximum(nits @ _BT2020_TO_BT709.T, 0) / np.float32(WHITE_NITS)
        brightest = light.max(-1, keepdims=True)
        light *= _moebius(brightest) / np.maximum(brightest, 1e-6)
        out[top : top + BAND] = _srgb()[np.minimum(light * 65535 + 0.5, 65535).astype(np.uint16)]


def _moebius(light: Float[np.ndarray, "*image"]) -> Float[np.ndarray, "*image"]:
    peak = PEAK_NITS / WHITE_NITS
    a = -KNEE * KNEE * (peak - 1) / (KNEE * KNEE - 2 * KNEE + peak)
    b = (KNEE * KNEE - 2 * KNEE * peak + peak) / (peak - 1)
    bent = (b * b + 2 * b * KNEE + KNEE * KNEE) / (b - a) * (light + a) / (light + b)
    return np.where(light <= KNEE, light, np.minimum(bent, 1)).astype(np.float32)


@cache
def _linear(transfer: int) -> Float[np.ndarray, "65536"]:
    """Light of every code: nits of PQ, scene light from 0 to 1 of HLG."""
    signal = np.arange(65536) / 65535
    if transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    else:
        m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
        power = signal ** (1 / m2)
        light = 10000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return light.astype(np.float32)


@cache
def _srgb() -> UInt8[np.ndarray, "65536"]:
    light = np.arange(65536) / 65535
    return np.round(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )
