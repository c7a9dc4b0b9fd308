"""How much depth frozen features hold: ridge regressions on features of shipped encoders, and on raw pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from distill.ridge import Ridge
from probes.extractors.extractor import Extractor
from probes.extractors.images.pixels import PixelExtractor
from probes.extractors.video.videomae import VideoMAEExtractor
from region4d.demo.perceiving import to_picture
from region4d.demo.section import Answer, Section
from scenes.clip import Clip
from scenes.drawing.regions import contact_sheet, save_picture
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.preview import depth_colours

SIDE, FRAMES = 48, 8  # of the encoders' training
FITTED, TESTED = 48, 16  # worlds
RIDGE = 0.1  # times the mean variance of a feature
LAYER = 3  # of 6; the best one of the probe study
PICTURE = "probe.png"
ABOUT = (
    "Probes measure how much 3D frozen features hold. Here a ridge regression reads the log depth of each patch from "
    f"the features of {FITTED} worlds, and is scored on {TESTED} others: R2 is 1 for exact depth and 0 for the mean. "
    "It is much smaller than the probes of VidFM3D: `region4d study probe/quick` trains those, with controls."
)


def show_probing(seed: int, folder: Path) -> Section:
    """Fit one regression an extractor, score it, and draw its depth of a test world."""
    worlds = [make_world(seed + k, WorldConfig(frames=FRAMES)) for k in range(FITTED + TESTED)]
    clips = [clip for start in range(0, len(worlds), 16) for clip in render(worlds[start : start + 16], "cpu")]
    shown, answers, titles = [clips[-1].video[0] / 255], [], ["colour"]
    for extractor, layer in extractors():
        predicted, true = predict_depth(extractor, layer, clips)
        r2 = float(1 - (predicted - true).square().sum() / (true - true.mean()).square().sum())
        if len(shown) == 1:
            shown.append(depth_colours(true[-1, :1].exp())[0])
            titles.append("true, by patch")
        answers.append(
            Answer("How much of the log depth of patches is read? R2", extractor.name, f"{r2:.2f}", "exact: 1, mean: 0")
        )
        low, high = true[-1, :1].aminmax()
        both = torch.cat([true[-1, :1], predicted[-1, :1].clamp(low, high)])  # in the colours of the true depth
        shown.append(depth_colours(both.exp())[1])
        titles.append(extractor.name)
    save_picture(contact_sheet([to_picture(panel) for panel in shown], len(shown), titles), folder / PICTURE)
    return Section("4. Probe frozen features (VidFM3D)", ABOUT, answers, [PICTURE])


def extractors() -> list[tuple[Extractor, int]]:
    """Load the shipped masked autoencoders of images and of videos, and raw pixels; each with its layer."""
    size, dtype = (SIDE, SIDE), torch.float32
    shipped = [
        VideoMAEExtractor.from_pretrained(name, name, size, FRAMES, dtype, "consecutive")
        for name in ("image_mae", "video_mae")
    ]
    return [*((extractor, LAYER) for extractor in shipped), (PixelExtractor("pixels", size, patch=8, tubelet=2), 0)]


def predict_depth(
    extractor: Extractor, layer: int, clips: Sequence[Clip]
) -> tuple[Float[Tensor, "clip slot row col"], Float[Tensor, "clip slot row col"]]:
    """Predict and take the true log depth of every patch of the last TESTED clips; the others fit the regression."""
    rows, depths = [], []
    for clip in clips:
        features = extractor.extract(clip.video, [layer], clip=clip.name)[layer]
        assert clip.depth is not None
        log = clip.depth.log()
        slots = torch.stack([log[list(frames)].mean(0) for frames in features.slots.frames])
        rows.append(features.values.float())
        rows_cols = features.values.shape[1], features.values.shape[2]
        depths.append(F.adaptive_avg_pool2d(slots, rows_cols))
    x, y = torch.stack(rows), torch.stack(depths)
    fitted = Ridge(x[:-TESTED].flatten(0, -2), y[:-TESTED].reshape(-1, 1))
    predicted = fitted.predict(x[-TESTED:].flatten(0, -2), RIDGE)
    return predicted.reshape(y[-TESTED:].shape), y[-TESTED:]
