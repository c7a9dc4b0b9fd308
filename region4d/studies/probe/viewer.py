"""A browser view of predicted and true points of test clips, to turn and compare."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from safetensors.torch import load_file
from torch import Tensor

from models.geometry import align_similarity, transform_points
from probes.training.module import CLOUDS
from region4d.studies.probe.jobs import Cell
from region4d.terminal import CONSOLE

try:
    import viser
except ImportError as error:
    raise ImportError("view=PORT needs viser; pip install 'region4d[app]'") from error

WORST_ERROR = 0.5  # gets the last colour; in mean distances of the first view
TRUTH_COLOUR = (150, 150, 150)


def view_clouds(chosen: Mapping[str, Cell], port: int) -> None:
    """Serve the points of the chosen cell of every model until Ctrl-C.

    Raises:
        ValueError: no model has a finished cell with points.
    """
    clouds = {model: load_file(cell.folder / CLOUDS) for model, cell in chosen.items() if has_clouds(cell)}
    if not clouds:
        raise ValueError("no finished probe of this study has kept points; run the study first")
    server = build_viewer(clouds, port)
    CONSOLE.print(f"points of {', '.join(clouds)}: http://localhost:{server.get_port()} (Ctrl-C ends)")
    while True:
        time.sleep(1)


def has_clouds(cell: Cell) -> bool:
    """Whether the points of a cell are kept."""
    return (cell.folder / CLOUDS).is_file()


def build_viewer(clouds: Mapping[str, Mapping[str, Tensor]], port: int) -> viser.ViserServer:
    """Build the scene: menus of models and clips, predicted points coloured by their error, true points in grey."""
    server: Any = viser.ViserServer(host="127.0.0.1", port=port, verbose=False)
    server.scene.set_up_direction("-y")  # OpenCV axes: y points down
    clips = sorted({name.partition("/")[0] for cloud in clouds.values() for name in cloud})
    model = server.gui.add_dropdown("model", list(clouds))
    clip = server.gui.add_dropdown("clip", clips)
    size = server.gui.add_slider("point size", min=0.002, max=0.05, step=0.002, initial_value=0.012)
    shown = {kind: server.gui.add_checkbox(kind, True) for kind in ("prediction", "truth")}
    caption = server.gui.add_markdown("")

    def draw(_event: Any = None) -> None:
        cloud = clouds[model.value]
        pred, true, error = aligned(*(cloud[f"{clip.value}/{part}"] for part in ("pred", "true", "valid")))
        for name, points, colours in (("prediction", pred, error_colours(error)), ("truth", true, TRUTH_COLOUR)):
            server.scene.add_point_cloud(
                f"/{name}", points.numpy(), colours, point_size=size.value, visible=shown[name].value
            )
        caption.content = f"point error {float(error.mean()):.3f} (blue 0, yellow {WORST_ERROR} and more)"

    for handle in (model, clip, size, *shown.values()):
        handle.on_update(draw)
    draw()
    return server  # type: ignore[no-any-return]


def aligned(
    pred: Float[Tensor, "view height width 3"], true: Float[Tensor, "view height width 3"], valid: Tensor
) -> tuple[Float[Tensor, "point 3"], Float[Tensor, "point 3"], Float[Tensor, "point"]]:
    """Align predicted points with the true ones by a similarity; return both and their distances."""
    p, q = pred[valid].double(), true[valid].double()
    true_T_pred, _ = align_similarity(p, q, torch.ones(len(p), dtype=torch.float64))
    moved = transform_points(p, true_T_pred)
    return moved.float(), q.float(), (moved - q).norm(dim=-1).float()


def error_colours(error: Float[Tensor, "point"]) -> UInt8[np.ndarray, "point 3"]:
    """Colour errors from 0 to `WORST_ERROR`."""
    return (255 * colormaps["viridis"](np.clip(error.numpy() / WORST_ERROR, 0, 1))[:, :3]).astype(np.uint8)
