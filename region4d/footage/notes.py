"""What an answer about footage assumes, in words."""

from __future__ import annotations

from region4d.footage.geometry import ASSUMED_FOV_DEG
from region4d.footage.marked_clip import MarkedClip
from scenes.clip import Clip

ASSUMED_CAMERA = (
    f"the camera is unknown: a horizontal field of view of {ASSUMED_FOV_DEG} degrees is assumed; `region4d ask` and "
    "`region4d lift` take another with --intrinsics or --fov"
)


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
        lines.append(ASSUMED_CAMERA)
    return lines


def given_to(clip: Clip, depth: str | None, reads_depth: bool) -> list[str]:
    """State the frames, depth and scale that a model is given, one line each.

    Args:
        clip: that it is asked about.
        depth: origin of the depth; None where there is none.
        reads_depth: whether the model reads it.
    """
    span = f" over {float(clip.seconds[-1] - clip.seconds[0]):.2f} s" if len(clip) > 1 else ""
    frames = f"{len(clip)} frame{'s' if len(clip) > 1 else ''} of {clip.size[1]}x{clip.size[0]} pixels{span}"
    if depth is None:
        return [frames, "no depth: colours alone"]
    if not reads_depth:
        return [frames, "colours alone: this model does not read depth"]
    scale = "metric" if clip.metric else "of unknown scale"
    poses = "camera poses: known" if clip.world_T_cam is not None else "camera poses: none"
    return [frames, f"depth: {depth} ({scale})", poses]
