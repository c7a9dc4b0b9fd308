"""Draws lift_photos.jpg of docs/lifting.md: python docs/images/draw_lifts.py FOOTAGE:MASK ... [FOLDER].

FOOTAGE is a photo or an RGB-D folder, of which the first frame is shown.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

from models.checkpoint_registry import checkpoint_folder
from models.lifting.checkpoint import load_model
from models.lifting.lift import LiftedObject, lift
from models.lifting.model import LiftingModel
from region4d.footage import FrameChoice, GeometrySource, parse_pointers
from region4d.lifting.input import LiftInput, outlines_alone, read_input
from region4d.lifting.options import LiftOptions
from scenes.drawing.meshes import candidate_sheet

MODEL, VIEWS, WIDTH, GAP = "lift_tiny", 2, 520, 16


def main(*words: str) -> None:
    """Draw two rows an object, the network's shape and the default, with the silhouette IoU of each."""
    folder = Path(__file__).parent if ":" in words[-1] else Path(words[-1])
    model = load_model(checkpoint_folder(MODEL))
    rows = []
    for word in words:
        if ":" in word:
            given = marked(*word.split(":"))
            lifted = [lift_as(options, given, model) for options in (LiftOptions(shape="network"), LiftOptions())]
            titles = [title(one) for one in lifted]
            rows.append(candidate_sheet(given.image, given.masks[0], lifted, given.intrinsics, titles, VIEWS))
    small = [row.resize((WIDTH, round(WIDTH * row.height / row.width))) for row in rows]
    height = max(row.height for row in small) + GAP
    sheet = Image.new("RGB", (2 * WIDTH + GAP, -(-len(small) // 2) * height - GAP), "white")
    for number, row in enumerate(small):
        sheet.paste(row, (number % 2 * (WIDTH + GAP), number // 2 * height))
    sheet.save(folder / "lift_photos.jpg", quality=72, optimize=True)


def marked(footage: str, mask: str) -> LiftInput:
    """Open footage, and mark one object in its first frame."""
    pointers = parse_pointers([], [], [f"0:{mask}"], [], [])
    return read_input(Path(footage), FrameChoice(index=0), pointers, GeometrySource(), None)


def lift_as(options: LiftOptions, given: LiftInput, model: LiftingModel) -> LiftedObject:
    """Lift the object as `region4d lift` does with these options."""
    sampling = options.resolve(model.distilled, given.points is not None, outlines_alone(MODEL, given))
    return lift(given.image, given.masks[0], given.points, intrinsics=given.intrinsics, model=model, sampling=sampling)


def title(lifted: LiftedObject) -> str:
    """Write where a shape comes from, and the IoU of its silhouette and the mask."""
    judged = lifted.judgement
    agreement = None if judged is None else judged.network if judged.source == "network" else judged.hull
    return "" if judged is None or agreement is None else f"{judged.source}: silhouette IoU {agreement.silhouette:.2f}"


if __name__ == "__main__":
    main(*sys.argv[1:])
