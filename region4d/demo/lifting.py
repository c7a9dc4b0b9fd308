"""One object of a world, lifted to a mesh with its pose."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import invert, unproject
from models.lifting.checkpoint import load_model
from region4d.demo.section import Answer, Section
from region4d.lifting.input import LiftInput
from region4d.lifting.options import LiftOptions
from region4d.lifting.run import lift_into
from scenes.clip import Clip

MODEL = Path("lift_tiny")  # a name of the checkpoint registry
OPTIONS = LiftOptions(best_of=4, fit="pose")  # a quarter of the time of the defaults of `region4d lift`
FOLDER = "lift"
ABOUT = (
    "The lifting model (SAM 3D's design at a small size) turns one masked object of a picture with depth into a mesh "
    "with pose and scale. The mask is exact. Of four samples one is kept, and its pose follows "
    "the visible points; `region4d lift` draws eight, and fits the shape as well."
)


def show_lifting(clip: Clip, folder: Path) -> Section:
    """Lift the object that covers most of the first frame; measure centre and size against the truth."""
    truth, depth, intrinsics, poses = clip.truth, clip.depth, clip.intrinsics, clip.world_T_cam
    assert truth is not None
    assert depth is not None
    assert intrinsics is not None
    assert poses is not None
    pixels = torch.bincount(truth.instances[0].flatten().long(), minlength=len(truth.objects) + 1)[1:]
    index = int(pixels.argmax())
    given = LiftInput(
        source=Path(clip.name),
        frame=0,
        image=clip.video[0],
        masks=[truth.instances[0] == index + 1],
        intrinsics=intrinsics[0],
        points=unproject(depth[0], intrinsics[0]),
        depth="the world",
        notes=(),
    )
    networks = load_model(MODEL)
    lifted = lift_into(folder / FOLDER, networks, MODEL, given, OPTIONS)
    fact, obj = lifted.facts[0], truth.objects[index]
    cam_T_obj = invert(poses[0]) @ truth.world_T_obj[0, index]
    name = f"{obj.colour} {obj.family}"
    mesh_centre = torch.tensor(fact["cam_T_obj"])[:3, 3]
    answers = [
        Answer(
            f"Where is the {name}? Centre in the camera: right, down, ahead, metres",
            str(MODEL),
            triple(mesh_centre),
            f"truth: {triple(cam_T_obj[:3, 3])}",
        ),
        Answer(
            f"How large is the {name}? Sides in metres, longest first",
            str(MODEL),
            triple(torch.tensor(fact["size_along_own_axes"]).sort(descending=True).values),
            f"truth: {triple(torch.tensor(obj.size).sort(descending=True).values)}",
        ),
    ]
    files = [f"{FOLDER}/{file}" for file in ("over_photo.png", "turntable.png", "lifted.glb", "poses.json")]
    return Section("3. Lift an object (SAM 3D)", ABOUT, answers, files)


def triple(values: Float[Tensor, "3"]) -> str:
    """Write three lengths."""
    return ", ".join(f"{value:.2f}" for value in values.tolist())
