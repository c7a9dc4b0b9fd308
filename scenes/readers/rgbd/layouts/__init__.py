"""The layouts of RGB-D folders that are read, one module each; the first that matches is taken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scenes.readers.rgbd.layouts import (
    arkitscenes,
    colmap,
    nerfstudio,
    redwood,
    scannet,
    scannetpp,
    seven_scenes,
    sunrgbd,
    tum,
)
from scenes.readers.rgbd.listing import RgbdListing


@dataclass(frozen=True)
class Layout:
    """A layout: its name, whether a folder has it, and the frames of such a folder."""

    name: str
    matches: Callable[[Path], bool]
    list: Callable[[Path, int | float | None], RgbdListing]


LAYOUTS = (
    Layout("TUM", tum.matches, tum.list_tum),
    Layout("Redwood / Open3D", redwood.is_whole, redwood.list_redwood),
    Layout("ScanNet++", scannetpp.matches, scannetpp.list_scannetpp),
    Layout("ARKitScenes", arkitscenes.matches, arkitscenes.list_arkitscenes),
    Layout("nerfstudio", nerfstudio.matches, nerfstudio.list_nerfstudio),
    Layout("COLMAP", colmap.matches, colmap.list_colmap),
    Layout("SUN RGB-D", sunrgbd.matches, sunrgbd.list_sunrgbd),
    Layout("ScanNet", scannet.matches, scannet.list_scannet),
    Layout("7-Scenes", seven_scenes.matches, seven_scenes.list_seven_scenes),
    Layout("Redwood / Open3D", redwood.has_part, redwood.list_redwood),
)


def layout_of(folder: Path) -> Layout | None:
    """Find the layout of a folder; None if it has none of them."""
    return next((layout for layout in LAYOUTS if layout.matches(folder)), None)
