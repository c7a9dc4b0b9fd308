"""4D perception of a moving world by the shipped expert, the teacher of 4D-RGPT's distillation."""

from __future__ import annotations

from pathlib import Path

import torch
from einops import rearrange
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from distill.expert.errors import signal_errors
from distill.signals import RENDERED, true_signals
from distill.teachers.expert import SHIPPED, load_expert
from region4d.demo.section import Answer, Section
from scenes.drawing.regions import contact_sheet, save_picture
from scenes.worlds import WorldConfig, make_world, render
from scenes.worlds.preview import depth_colours, flow_colours

PICTURE = "perceive.png"
SIDE = 192  # of a drawn panel, pixels
ABOUT = (
    "4D-RGPT distils a 4D expert into a model that answers questions about motion. The expert is shipped and predicts "
    "depth, flow, motion and camera rays from colours; a distilled model is not: `region4d train "
    "experiment=rgpt4d/tiny_dynamic arm=4d` trains one. Errors are of this one clip."
)
METRICS = {  # name -> what it is, and how it is written
    "depth_abs_rel": ("depth: mean relative error", "{:.3f}"),
    "flow_epe_px": ("flow: mean end-point error", "{:.2f} px"),
    "motion_iou": ("what moves: IoU of the masks", "{:.2f}"),
    "ray_angle_deg": ("camera rays: mean angle", "{:.1f} degrees"),
}
TRIVIAL = "trivial: median depth, no flow, everything moves, no camera motion"


def show_perceiving(seed: int, folder: Path) -> Section:
    """Predict the signals of a moving world, measure them against the truth, and draw both."""
    expert = load_expert(SHIPPED)
    spec = expert.spec
    assert spec.latent is not None
    config = WorldConfig(
        height=spec.size,
        width=spec.size,
        frames=spec.frames,
        motion=True,
        movers=1.0,
        sizes="natural",
        rescale=(1.0, 1.0),
    )
    (clip,) = render([make_world(seed, config)], "cpu", signals=RENDERED)
    truth = true_signals(clip, (spec.latent[2], spec.latent[3]))
    values = {name: value[None] for name, value in truth.values.items()}
    valid = {name: value[None] for name, value in truth.valid.items()}
    predicted = expert.decode(expert.encode(clip.video[None]))
    trivial = {
        "depth": torch.full_like(values["depth"], float(values["depth"][valid["depth"]].median())),
        "flow": torch.zeros_like(values["flow"]),
        "motion": torch.ones_like(values["motion"]),
        "rays": values["rays"][:, :1].expand_as(values["rays"]),
    }
    errors, floor = signal_errors(predicted, values, valid), signal_errors(trivial, values, valid)
    answers = [
        Answer(what, SHIPPED, form.format(errors[name][0]), f"{form.format(floor[name][0])} by a trivial predictor")
        for name, (what, form) in METRICS.items()
    ]
    frame = spec.frames // 2
    panels = [clip.video[frame] / 255]
    true_depth = values["depth"][0, :, 0]
    for signals in (values, predicted):
        seen = signals["depth"][0, :, 0].clamp(*true_depth.aminmax())
        panels += [
            depth_colours(torch.cat([true_depth, seen]).exp())[spec.frames + frame],  # in the colours of the true depth
            flow_colours(signals["flow"][0])[frame],
            (signals["motion"][0, frame] > 0).float().expand(3, -1, -1),
        ]
    titles = ["colour", "true depth", "true flow", "truly moving", "", "its depth", "its flow", "it says: moving"]
    panels.insert(4, torch.ones_like(panels[0]))
    save_picture(contact_sheet([to_picture(panel) for panel in panels], 4, titles), folder / PICTURE)
    return Section("2. Perceive in 4D (the teacher of 4D-RGPT)", f"{ABOUT} {TRIVIAL.capitalize()}.", answers, [PICTURE])


def to_picture(panel: Float[Tensor, "3 height width"]) -> Image.Image:
    """Draw values in [0, 1] as a square of SIDE pixels."""
    pixels = rearrange((255 * panel.clamp(0, 1)).round().to(torch.uint8), "c h w -> h w c")
    return Image.fromarray(pixels.contiguous().numpy()).resize((SIDE, SIDE), Image.Resampling.NEAREST)
