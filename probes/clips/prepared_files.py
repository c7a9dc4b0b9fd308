"""Writing prepared clips to disk: pictures at the size of the study, and label files at the size of the maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from models.geometry import transform, unproject
from models.providers import GeometryProvider
from probes.clips.label_files import LabelFile, write_labels
from probes.clips.preparation import Prepared, crop_and_resize, nearest
from scenes.clip import Clip
from scenes.readers.estimated_geometry import with_estimate
from scenes.readers.image_files import write_image
from scenes.storage.atomic import new_folder

LABEL_SIZE = (294, 518)  # height and width of label maps, as published
VIDEOS, LABELS = "videos", "labels"
OWN_DEPTH = "the data set's own depth"  # an origin of labels


def is_written(output: Path, name: str, labelled: bool) -> bool:
    """Tell whether a clip is complete: its pictures, and its labels if it is `labelled`."""
    return picture_folder(output, name).is_dir() and (not labelled or label_path(output, name).is_file())


def refuse_other_labels(output: Path, name: str, origin: str) -> None:
    """Raise ValueError if the labels of a clip are not of `origin`; files that do not say it are of the own depth."""
    found = LabelFile(label_path(output, name)).origin
    if found == origin or (found is None and origin == OWN_DEPTH):
        return
    raise ValueError(
        f"{output} has labels {'that do not say what they are of' if found is None else f'of {found}'} (of clip {name})"
        f", not of {origin}: name another --output, or remove {output / LABELS}"
    )


def picture_folder(output: Path, name: str) -> Path:
    """Name the folder of a clip's pictures."""
    return output / VIDEOS / name


def label_path(output: Path, name: str) -> Path:
    """Name the label file of a clip."""
    return output / LABELS / f"{name}.safetensors"


def write_prepared(
    prepared: Prepared,
    output: Path,
    geometry: GeometryProvider | None = None,
    size: tuple[int, int] = LABEL_SIZE,
    origin: str | None = None,
) -> bool:
    """Write the pictures of a clip to `videos/`, and its labels to `labels/` if its depth is known.

    Args:
        prepared: the clip.
        output: the folder of the data set.
        geometry: gives the depth instead of the clip's own, in the unit of the clip's poses unless it gives poses, too.
        size: height and width of the label maps.
        origin: what the labels are of, which the file tells.

    Returns:
        Whether labels were written.

    Raises:
        ValueError: the clip has no cameras, or `geometry` does not fit it.
    """
    clip = prepared.clip if geometry is None else estimated(prepared.clip, geometry)
    pictures = picture_folder(output, clip.name)
    if not pictures.is_dir():
        with new_folder(pictures) as draft:
            for index, frame in enumerate(clip.video):
                write_image(draft / f"{index:05d}.png", frame)
    if clip.depth is None:
        return False
    whole = (0, 0, clip.size[1], clip.size[0])
    foreground = prepared.foreground
    if foreground is not None:
        foreground = nearest(foreground.to(torch.uint8), whole, size).bool()
    labelled = replace(prepared, clip=crop_and_resize(clip, whole, size), foreground=foreground)
    _write_labels(labelled, output, origin)
    return True


def estimated(clip: Clip, provider: GeometryProvider) -> Clip:
    """Give a clip the estimate of a provider; poses stay in the provider's own world, as in published labels."""
    estimate = provider(clip.video, clip.intrinsics, clip.depth)
    clip = with_estimate(clip, estimate)
    return clip if estimate.world_T_cam is None else replace(clip, world_T_cam=estimate.world_T_cam)


def _write_labels(prepared: Prepared, output: Path, origin: str | None) -> None:
    """Label every pixel of known depth with its confidence, 1 where there is none; all others with 0."""
    clip = prepared.clip
    depth, intrinsics, poses = (_known(clip, name) for name in ("depth", "intrinsics", "world_T_cam"))
    points = transform(unproject(depth, intrinsics), poses, "world")
    confidence = torch.ones_like(depth) if clip.confidence is None else clip.confidence
    write_labels(
        label_path(output, clip.name),
        images=clip.video,
        depth=depth,
        points=points.xyz,
        confidence=torch.where(points.valid, confidence, torch.zeros_like(confidence)),
        intrinsics=intrinsics,
        world_T_cam=poses,
        foreground=prepared.foreground,
        start=prepared.start,
        origin=origin,
    )


def _known(clip: Clip, name: str) -> Float[Tensor, "time ..."]:
    value: Tensor | None = getattr(clip, name)
    if value is None:
        raise ValueError(f"clip {clip.name} has no {name}: labels need depth, intrinsics and poses")
    return value
