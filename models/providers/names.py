"""Providers of geometry by name, as `--geometry` and `--depth-model` give it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from models.providers.colmap import Colmap
from models.providers.contract import GeometryProvider
from models.providers.depth_model import DepthModel
from models.providers.geometry_files import SUFFIXES, GeometryFiles
from models.providers.multi_view.map_anything import MapAnythingModel
from models.providers.multi_view.vggt import PUBLISHED, VGGT

MAP_ANYTHING, VGGT_ITSELF = "mapanything", "vggt"
MULTI_VIEW = (f"{MAP_ANYTHING}[:MODEL[@CHECKOUT]]", f"{VGGT_ITSELF}:WEIGHTS@CHECKOUT")


def _odometry(depth_model: GeometryProvider | None) -> GeometryProvider:
    from models.providers.odometry import RgbdOdometry  # imports Open3D: 0.4 s

    return RgbdOdometry(depth_model)


POSES: dict[str, Callable[[GeometryProvider | None], GeometryProvider]] = {
    "odometry": _odometry,
    "colmap": Colmap,
}  # they take a depth model


def open_provider(name: str, device: torch.device | str = "cpu", depth_model: str | None = None) -> GeometryProvider:
    """Open a provider.

    Args:
        name: `odometry` for poses of frames with depth; `colmap` for poses of frames alone; `mapanything`,
            `mapanything:MODEL` or `mapanything:MODEL@CHECKOUT` for a multi-view model; `vggt:WEIGHTS@CHECKOUT` for VGGT
            itself (a file, folder or downloaded name; each part may be left out); a .npz or .safetensors file, or a
            folder of them, for geometry that another program wrote; otherwise the folder or name of a depth model of
            transformers.
        device: where it runs.
        depth_model: a depth model for `odometry` or `colmap`.

    Raises:
        FileNotFoundError: a file, checkpoint or checkout does not exist.
        ImportError: a package that it needs is not installed.
        ValueError: the model is unknown, cannot be used, or takes no depth model.
    """
    if name in POSES:
        return POSES[name](None if depth_model is None else DepthModel(depth_model).to(device))
    if depth_model is not None:
        raise ValueError(f"geometry '{name}' takes no depth model: give one of --geometry and --depth-model")
    model, _, checkout = name.partition("@")
    kind, _, model = model.partition(":")
    if kind == MAP_ANYTHING:
        return MapAnythingModel(model or MAP_ANYTHING, checkout or None, device)
    if kind == VGGT_ITSELF:
        return VGGT(model or PUBLISHED, checkout or None, device)
    if has_geometry(Path(name)):
        return GeometryFiles(name)
    try:
        return DepthModel(name).to(device)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"no geometry '{name}': give {', '.join((*POSES, *MULTI_VIEW))}, a file of arrays "
            f"({' or '.join(SUFFIXES)}) or a folder of them, or the folder or downloaded name of a depth model of "
            "transformers"
        ) from error


def has_geometry(path: Path) -> bool:
    """Tell whether a path is a file of arrays, or a folder of such files that is not a checkpoint."""
    if path.is_dir():
        return not (path / "config.json").exists() and any(file.suffix in SUFFIXES for file in path.iterdir())
    return path.suffix in SUFFIXES
