"""What an answer about footage assumes, in words."""

from __future__ import annotations

from region4d.footage.geometry import ASSUMED_FOV_DEG
from region4d.footage.marked_clip import MarkedClip


def footage_notes(footage: MarkedClip, relative: bool) -> list[str]:
    """State what was assumed, one line each; answers about `relative` lengths have no unit."""
    lines = [*footage.notes]
    if footage.frame is not None:
        lines.append(
            f"no camera poses in this input: asking about frame {footage.frame} alone; --geometry estimates poses"
        )
    if relative:
        lines.append(f"the depth of {footage.depth} has an unknown scale: lengths are in relative units")
    if footage.depth is not None and footage.camera == "assumed":
        lines.append(
            f"the camera is unknown: assuming a horizontal field of view of {ASSUMED_FOV_DEG} degrees; set it with "
            "--intrinsics or --fov"
        )
    return lines
